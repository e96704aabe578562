/**
 * What this device has stored and no commit names yet, kept in the vault's cache folder: the run after one that was
 * killed takes it for stored (adopted-packs.ts). It holds what index objects hold, sealed as they are, and no keys
 * (security.md §3.4). Losing it costs uploads, nothing else.
 *
 * ```
 * uploaded-<n>   entries: length u32 ‖ index object (format.md §5) of one pack
 * ```
 * An entry is written when its pack is durable, and not synced: whatever a power cut makes of the end does not open, and
 * reading ends there. Short packs are left out, since a commit may have one of a kind and has its own.
 */
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { freeBytes, fullPages, readU32, writeU32 } from '@keephold/bytes';
import type { IndexedPack } from '../../index-object.ts';
import { type IndexSealing, openIndexObject, sealIndexObject } from '../sealed-index.ts';

const PREFIX = 'uploaded-';
const LENGTH_BYTES = 4;
/** A run stores some 12 MB of rows between two commits at most (blob-arena.ts); sealed, they are a fifth longer. */
const LARGEST: number = 64 * 1024 * 1024;

export class UploadJournal {
  readonly #folder: string;
  readonly #sealing: IndexSealing;
  /** Number of the file that is written to. */
  #number: number;
  #added: Promise<void> = Promise.resolve();

  constructor(folder: string, sealing: IndexSealing) {
    this.#folder = folder;
    this.#sealing = sealing;
    this.#number = Math.max(0, ...this.#numbers()) + 1;
  }

  /** Packs that earlier runs stored, oldest first; of each file as far as it can be read. */
  async *earlier(): AsyncGenerator<IndexedPack> {
    for (const number of this.#numbers().filter((earlier) => earlier < this.#number)) yield* this.#entriesOf(number);
  }

  /** Takes note of a pack that is durable. One after the other: sealing takes several times the memory of the rows. */
  async add(pack: IndexedPack): Promise<void> {
    if (pack.pageCount !== fullPages(pack.kind)) return;
    const adding = this.#added.then(async () => await this.#append(pack));
    this.#added = adding.catch(() => undefined);
    await adding;
  }

  /** Ends what a commit is about to name: what is added from now on is not forgotten with it. Answers what to forget. */
  cut(): number {
    return this.#number++;
  }

  /** After the commit: it names all that was added before this cut, or nobody needs it. */
  forget(cut: number): void {
    for (const number of this.#numbers()) if (number <= cut) rmSync(this.#path(number), { force: true });
  }

  async #append(pack: IndexedPack): Promise<void> {
    const object = await sealIndexObject([pack], this.#sealing);
    const entry = new Uint8Array(LENGTH_BYTES + object.length);
    writeU32(entry, 0, object.length);
    entry.set(object, LENGTH_BYTES);
    freeBytes(object);
    appendFileSync(this.#path(this.#number), entry, { mode: 0o600 });
    freeBytes(entry);
  }

  async *#entriesOf(number: number): AsyncGenerator<IndexedPack> {
    if (statSync(this.#path(number)).size > LARGEST) return;
    const bytes = readFileSync(this.#path(number));
    for (let at = 0; at + LENGTH_BYTES <= bytes.length; ) {
      const end = at + LENGTH_BYTES + readU32(bytes, at);
      if (end > bytes.length) return;
      const packs = await this.#opened(bytes.subarray(at + LENGTH_BYTES, end));
      if (packs === undefined) return;
      yield* packs;
      at = end;
    }
  }

  /** Undefined for what a crash, another disk or another hand made of it, and for what was sealed with a key that is no more. */
  async #opened(object: Uint8Array): Promise<readonly IndexedPack[] | undefined> {
    try {
      return await openIndexObject(object, this.#sealing.keys);
    } catch {
      return undefined;
    }
  }

  #path(number: number): string {
    return join(this.#folder, `${PREFIX}${number}`);
  }

  /** Ascending. */
  #numbers(): readonly number[] {
    return readdirSync(this.#folder)
      .filter((name) => /^uploaded-[1-9]\d{0,8}$/.test(name))
      .map((name) => Number(name.slice(PREFIX.length)))
      .sort((a, b) => a - b);
  }
}
