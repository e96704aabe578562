/**
 * Reads a tree cache in walk order, in step with the walk. A directory that is no longer there is passed over; one that
 * is new is simply not found. Anything odd in the file ends it: what follows is read from the disk again.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { IDENTITY_WORDS } from '../../source.ts';
import {
  CHECK_WORD,
  compareWalkOrder,
  DIRECTORY_WORDS,
  ENTRY_WORDS,
  isAtOrBelow,
  paddedWords,
  recordCheck,
} from './record-format.ts';

const WINDOW_BYTES: number = 1024 * 1024;
const LARGEST_RECORD: number = 1 << 30;

/** A directory as it was at the last backup. Views are valid until the reader moves on. */
export class CachedDirectory {
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #at: number;
  /** Where its record starts in the file, and its length. */
  readonly fileOffset: number;

  constructor(words: Uint32Array, bytes: Uint8Array, at: number, fileOffset: number) {
    this.#words = words;
    this.#bytes = bytes;
    this.#at = at;
    this.fileOffset = fileOffset;
  }

  get length(): number {
    return this.#words[this.#at]!;
  }
  get count(): number {
    return this.#words[this.#at + 3]!;
  }
  get subtreeKind(): number {
    return this.#words[this.#at + 4]!;
  }
  get subtreeBytes(): number {
    return this.#words[this.#at + 5]!;
  }
  get subtreeId(): Uint8Array {
    const from = (this.#at + 8) * 4;
    return this.#bytes.subarray(from, from + 32);
  }
  get places(): Uint32Array {
    const from = this.#at + DIRECTORY_WORDS;
    return this.#words.subarray(from, from + this.#words[this.#at + 6]!);
  }
  get path(): Uint8Array {
    const from = (this.#at + DIRECTORY_WORDS + this.#words[this.#at + 6]!) * 4;
    return this.#bytes.subarray(from, from + this.#words[this.#at + 2]!);
  }

  /** Stays valid when the reader moves on. */
  copyOfRecord(): { readonly words: Uint32Array; readonly bytes: Uint8Array } {
    const words = this.#words.slice(this.#at, this.#at + this.length / 4);
    return { words, bytes: new Uint8Array(words.buffer) };
  }

  /** Its entries, to be stepped through. */
  entries(): CachedEntries {
    const first = this.#at + DIRECTORY_WORDS + this.#words[this.#at + 6]! + paddedWords(this.#words[this.#at + 2]!);
    return new CachedEntries(this.#words, this.#bytes, { record: this.#at, first, count: this.count });
  }
}

export class CachedEntries {
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #record: number;
  #at: number;
  #left: number;

  constructor(
    words: Uint32Array,
    bytes: Uint8Array,
    at: { readonly record: number; readonly first: number; readonly count: number },
  ) {
    this.#words = words;
    this.#bytes = bytes;
    this.#record = at.record;
    this.#at = at.first;
    this.#left = at.count;
  }

  /** Word of the record at which the current entry starts. */
  get at(): number {
    return this.#at - this.#record;
  }

  get done(): boolean {
    return this.#left === 0;
  }

  advance(): void {
    const at = this.#at;
    const [name, node, places] = [this.#words[at + 14]!, this.#words[at + 15]!, this.#words[at + 16]!];
    this.#at = at + ENTRY_WORDS + places + paddedWords(name) + paddedWords(node);
    this.#left--;
  }

  /** Goes to the entry called `name`, past smaller ones; false when there is none. Names must be asked in order. */
  seekName(name: string): boolean {
    while (this.#left > 0) {
      const order = this.compareName(name);
      if (order >= 0) return order === 0;
      this.advance();
    }
    return false;
  }

  /** The stat words of the current entry, as they were. Valid until the reader moves on. */
  get identity(): Uint32Array {
    return this.#words.subarray(this.#at, this.#at + IDENTITY_WORDS);
  }

  /** Whether the row is of another inode; false where that is not known. */
  isOtherInode(stats: Uint32Array, row: number): boolean {
    const low = this.#words[this.#at + 6]!;
    const high = this.#words[this.#at + 7]!;
    return (low !== 0 || high !== 0) && (low !== stats[row + 6] || high !== stats[row + 7]);
  }

  /** Whether mode and owner, though not times, are those at `row`. */
  hasOwnerAndMode(stats: Uint32Array, row: number): boolean {
    const at = this.#at;
    return (
      this.#words[at] === stats[row] && this.#words[at + 1] === stats[row + 1] && this.#words[at + 2] === stats[row + 2]
    );
  }

  /** Order of the current entry's name against `name` (one code unit a byte). */
  compareName(name: string): number {
    const from = this.#nameAt();
    const length = this.#words[this.#at + 14]!;
    const shared = Math.min(length, name.length);
    for (let i = 0; i < shared; i++) {
      const difference = this.#bytes[from + i]! - name.charCodeAt(i);
      if (difference !== 0) return difference;
    }
    return length - name.length;
  }

  /** Whether the current entry has the identity that starts at `row` of `stats`. */
  hasIdentity(stats: Uint32Array, row: number): boolean {
    const words = this.#words;
    const at = this.#at;
    for (let i = 0; i < 14; i++) if (words[at + i] !== stats[row + i]) return false;
    return true;
  }

  get node(): Uint8Array {
    const from = this.#nameAt() + paddedWords(this.#words[this.#at + 14]!) * 4;
    return this.#bytes.subarray(from, from + this.#words[this.#at + 15]!);
  }

  get places(): Uint32Array {
    const first = this.#at + ENTRY_WORDS;
    return this.#words.subarray(first, first + this.#words[this.#at + 16]!);
  }

  /** Whether `holds` says so of each place. Makes no array: it is asked for every entry of every backup. */
  everyPlace(holds: (place: number) => boolean): boolean {
    const end = this.#at + ENTRY_WORDS + this.#words[this.#at + 16]!;
    for (let at = this.#at + ENTRY_WORDS; at < end; at++) if (!holds(this.#words[at]!)) return false;
    return true;
  }

  #nameAt(): number {
    return (this.#at + ENTRY_WORDS + this.#words[this.#at + 16]!) * 4;
  }
}

/** Whether the record at byte `at` is what was written, and not one that waits for its places. */
function isIntact(words: Uint32Array, bytes: Uint8Array, at: number, length: number): boolean {
  const first = at >> 2;
  return words[first + 1] === 0 && words[first + CHECK_WORD] === recordCheck(bytes.subarray(at, at + length));
}

/** Records of a directory and all below it, one after the other. */
export interface CachedSubtree {
  readonly id: Uint8Array;
  /** Where they stand in the file. */
  readonly from: number;
  readonly length: number;
}

export class TreeCacheReader {
  /** Descriptor: the file may have another name by now, or none. */
  readonly file: number;
  readonly #end: number;
  #bytes = new Uint8Array(WINDOW_BYTES);
  #words = new Uint32Array(this.#bytes.buffer);
  /** File offset of the window's first byte, bytes in it, and the current record in it. */
  #windowAt: number;
  #filled = 0;
  #at = 0;
  #current: CachedDirectory | undefined;

  /** Records stand in `path` from `from` to `end`. */
  constructor(path: string, from: number, end: number) {
    this.file = openSync(path, 'r');
    this.#windowAt = from;
    this.#end = end;
    this.#current = this.#load();
  }

  /** File offset of the record that comes next: everything before it was passed. */
  get position(): number {
    return this.#windowAt + this.#at;
  }

  /** The directory at `path`, if the cache has it; directories before it in walk order are passed over. */
  seek(path: Uint8Array): CachedDirectory | undefined {
    while (this.#current !== undefined) {
      const order = compareWalkOrder(this.#current.path, path);
      if (order === 0) return this.#current;
      if (order > 0) return undefined;
      this.#advance();
    }
    return undefined;
  }

  /** Goes past the directory that seek answered. */
  pass(): void {
    this.#advance();
  }

  /**
   * Passes over the directory at `path` with everything below it, and answers where their records stand and the id of
   * its tree. `see` is called for each of them, also when the answer is undefined: the directory itself is not there.
   */
  passSubtree(path: Uint8Array, see: (directory: CachedDirectory) => void): CachedSubtree | undefined {
    while (this.#current !== undefined && this.#isBefore(path)) this.#advance();
    const from = this.position;
    for (let found = this.#current; found !== undefined && isAtOrBelow(found.path, path); found = this.#current) {
      see(found);
      const id = found.path.length === path.length ? found.subtreeId.slice() : undefined;
      this.#advance();
      if (id !== undefined) return { id, from, length: this.position - from };
    }
    return undefined;
  }

  close(): void {
    closeSync(this.file);
  }

  #isBefore(path: Uint8Array): boolean {
    const current = this.#current!.path;
    return compareWalkOrder(current, path) < 0 && !isAtOrBelow(current, path);
  }

  #advance(): void {
    this.#at += this.#current!.length;
    this.#current = this.#load();
  }

  #load(): CachedDirectory | undefined {
    if (this.position + DIRECTORY_WORDS * 4 > this.#end || !this.#fill(DIRECTORY_WORDS * 4)) return undefined;
    const length = this.#words[this.#at >> 2]!;
    const plausible = length >= DIRECTORY_WORDS * 4 && length % 4 === 0 && length <= LARGEST_RECORD;
    if (!plausible || this.position + length > this.#end || !this.#fill(length)) return undefined;
    if (!isIntact(this.#words, this.#bytes, this.#at, length)) return undefined;
    return new CachedDirectory(this.#words, this.#bytes, this.#at >> 2, this.position);
  }

  /** Makes sure that `length` bytes from the current record on are in the window. */
  #fill(length: number): boolean {
    if (this.#at + length <= this.#filled) return true;
    const rest = this.#filled - this.#at;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.ceil((length * 1.5) / 4) * 4);
      grown.set(this.#bytes.subarray(this.#at, this.#filled));
      this.#bytes = grown;
      this.#words = new Uint32Array(grown.buffer);
    } else this.#bytes.copyWithin(0, this.#at, this.#filled);
    this.#windowAt += this.#at;
    this.#at = 0;
    this.#filled = rest;
    while (this.#filled < this.#bytes.length) {
      const read = readSync(
        this.file,
        this.#bytes,
        this.#filled,
        this.#bytes.length - this.#filled,
        this.#windowAt + this.#filled,
      );
      if (read === 0) break;
      this.#filled += read;
    }
    return this.#filled >= length;
  }
}
