/** Writes records of a tree cache into a file, in the order in which directories are done. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { IDENTITY_WORDS } from '../../source.ts';
import { RECORD_PLACE } from '../backup/file-results.ts';
import type { EntryStretch } from './kept-entries.ts';
import { DIRECTORY_WORDS, ENTRY_WORDS, paddedWords } from './record-format.ts';

const BUFFER_BYTES: number = 1024 * 1024;

export interface EntryToCache {
  /** One code unit a byte. */
  readonly name: string;
  readonly stats: Uint32Array;
  /** Word at which the identity starts in `stats`. */
  readonly row: number;
  /** The entry must be looked at again next time whatever its identity says. */
  readonly volatile: boolean;
  readonly node: Uint8Array;
  readonly places: ArrayLike<number>;
}

export interface DirectoryToCache {
  readonly path: Uint8Array;
  readonly subtree: { readonly id: Uint8Array; readonly kind: number; readonly bytes: number };
  readonly places: readonly number[];
  /** Also as an old record has them. */
  readonly entries: readonly (EntryToCache | EntryStretch)[];
}

/** One record as bytes, without its check: resolvePlaces is what completes it. */
export function encodeDirectory(directory: DirectoryToCache): Uint8Array {
  const { entries } = directory;
  let words = DIRECTORY_WORDS + directory.places.length + paddedWords(directory.path.length);
  let pending = hasRecordPlace(directory.places);
  let count = 0;
  for (const entry of entries) {
    if ('words' in entry) {
      words += entry.words.length;
      count += entry.count;
      continue;
    }
    const { name, node, places } = entry;
    count++;
    words += ENTRY_WORDS + places.length + paddedWords(name.length) + paddedWords(node.length);
    pending ||= hasRecordPlace(places);
  }
  const out = new Uint32Array(words);
  const bytes = new Uint8Array(out.buffer);
  const { subtree } = directory;
  out.set([
    words * 4,
    pending ? 1 : 0,
    directory.path.length,
    count,
    subtree.kind,
    subtree.bytes,
    directory.places.length,
  ]);
  bytes.set(subtree.id, 32);
  out.set(directory.places, DIRECTORY_WORDS);
  let at = DIRECTORY_WORDS + directory.places.length;
  bytes.set(directory.path, at * 4);
  at += paddedWords(directory.path.length);
  for (const entry of entries) {
    if ('words' in entry) {
      out.set(entry.words, at);
      at += entry.words.length;
    } else at = encodeEntry(entry, out, bytes, at);
  }
  return bytes;
}

function encodeEntry(entry: EntryToCache, out: Uint32Array, bytes: Uint8Array, start: number): number {
  for (let i = 0; i < IDENTITY_WORDS; i++) out[start + i] = entry.stats[entry.row + i]!;
  // No entry has inode 0, so this one will not be found unchanged.
  if (entry.volatile) out[start + 6] = out[start + 7] = 0;
  out[start + 14] = entry.name.length;
  out[start + 15] = entry.node.length;
  out[start + 16] = entry.places.length;
  let at = start + ENTRY_WORDS;
  for (let i = 0; i < entry.places.length; i++) out[at + i] = entry.places[i]!;
  at += entry.places.length;
  for (let i = 0; i < entry.name.length; i++) bytes[at * 4 + i] = entry.name.charCodeAt(i);
  at += paddedWords(entry.name.length);
  bytes.set(entry.node, at * 4);
  return at + paddedWords(entry.node.length);
}

function hasRecordPlace(places: ArrayLike<number>): boolean {
  for (let i = 0; i < places.length; i++) if (places[i]! >= RECORD_PLACE) return true;
  return false;
}

/** Appends to a file through a buffer; also whole stretches of another file. */
export class TreeCacheWriter {
  readonly #file: number;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #filled = 0;
  #written: number;

  constructor(path: string, at = 0) {
    this.#file = openSync(path, at === 0 ? 'w+' : 'r+', 0o600);
    this.#written = at;
  }

  /** Bytes written, the buffered ones included. */
  get length(): number {
    return this.#written + this.#filled;
  }

  append(bytes: Uint8Array): void {
    if (this.#filled + bytes.length > this.#buffer.length) this.flush();
    if (bytes.length > this.#buffer.length) return this.#write(bytes);
    this.#buffer.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  /** Appends `length` bytes of another file. */
  appendFrom(source: number, from: number, length: number): void {
    for (let done = 0; done < length; ) {
      if (this.#filled === this.#buffer.length) this.flush();
      const room = Math.min(this.#buffer.length - this.#filled, length - done);
      const read = readSync(source, this.#buffer, this.#filled, room, from + done);
      if (read === 0) throw new RangeError('tree cache: the old cache is shorter than it was');
      this.#filled += read;
      done += read;
    }
  }

  flush(): void {
    this.#write(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }

  #write(bytes: Uint8Array): void {
    let done = 0;
    while (done < bytes.length) done += writeSync(this.#file, bytes, done, bytes.length - done, this.#written + done);
    this.#written += bytes.length;
  }
}
