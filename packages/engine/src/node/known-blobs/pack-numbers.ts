/**
 * The file known-packs: 32-byte ids of packs; the position of one is its number. Numbers are given out once: ids are
 * only ever added, and are durable before anything refers to them by number.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fdatasyncSync, openSync, readFileSync, rmSync } from 'node:fs';
import { equalBytes, readU32 } from '@keephold/bytes';
import { IdTable } from '../../reading/id-table.ts';
import { writeFully } from './known-table-file.ts';

const ID_BYTES = 32;

/** How many ids are vouched for, and their SHA-256. */
export interface CountedPacks {
  readonly packs: number;
  readonly packsDigest: Uint8Array;
}

export class PackNumbers {
  readonly #path: string;
  readonly #ids = new IdTable();
  /** Of the ids in the file. */
  readonly #digest = createHash('sha256');
  #saved = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  static empty(path: string): PackNumbers {
    rmSync(path, { force: true });
    return new PackNumbers(path);
  }

  /** Undefined when they are not those that are vouched for. */
  static open(path: string, { packs, packsDigest }: CountedPacks): PackNumbers | undefined {
    const bytes = existsSync(path) ? readFileSync(path) : new Uint8Array();
    const numbers = new PackNumbers(path);
    if (bytes.length < packs * ID_BYTES || !numbers.#take(bytes, 0, packs)) return undefined;
    if (!equalBytes(numbers.digest, packsDigest)) return undefined;
    // A run that ended before it could vouch for them may have used these numbers already.
    numbers.#take(bytes, packs, Math.floor(bytes.length / ID_BYTES));
    return numbers;
  }

  get size(): number {
    return this.#ids.size;
  }

  /** SHA-256 of all ids that are saved. */
  get digest(): Uint8Array {
    return this.#digest.copy().digest();
  }

  idOf(number: number): Uint8Array {
    if (number >= this.#ids.size) throw new RangeError(`known blobs: no pack ${number}`);
    return this.#ids.idAt(number);
  }

  /** The number of a pack; a new one when it has none yet. */
  numberOf(id: Uint8Array): number {
    return this.#ids.add(id);
  }

  /** First four bytes of each id, for all threads. */
  words(): SharedArrayBuffer {
    const shared = new SharedArrayBuffer(this.size * 4);
    const words = new Uint32Array(shared);
    for (let number = 0; number < words.length; number++) words[number] = readU32(this.#ids.idAt(number), 0);
    return shared;
  }

  /** Makes new ids durable. */
  save(): void {
    if (this.#saved === this.size) return;
    const added = new Uint8Array((this.size - this.#saved) * ID_BYTES);
    for (let i = 0; i < added.length / ID_BYTES; i++) added.set(this.#ids.idAt(this.#saved + i), i * ID_BYTES);
    const file = openSync(this.#path, this.#saved === 0 ? 'w' : 'r+', 0o600);
    try {
      writeFully(file, added, this.#saved * ID_BYTES);
      fdatasyncSync(file);
    } finally {
      closeSync(file);
    }
    this.#digest.update(added);
    this.#saved = this.size;
  }

  /** Gives the ids from `first` to `end` their numbers; false when one stands twice: what follows is left out. */
  #take(bytes: Uint8Array, first: number, end: number): boolean {
    for (let at = first; at < end && this.#ids.add(bytes, at * ID_BYTES) === at; at++);
    this.#digest.update(bytes.subarray(first * ID_BYTES, this.size * ID_BYTES));
    this.#saved = this.size;
    return this.size === end;
  }
}
