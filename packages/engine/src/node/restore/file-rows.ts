/**
 * Files, and other entries whose metadata is to be set, as rows of 32-bit words with their paths beside them: this is
 * how they stay small in memory and reach a worker without an object each.
 *
 * ```
 * 0 path start  1 path length  2 mode  3 uid  4 gid  5 user + 1  6 group + 1  7 flags  8 mtime i64  10 size u64
 * 12 places wanted in this request  13 options  14 handle + 1 of a file the main thread has open  15 extras + 1
 * ```
 * user and group count in `names`, extras in `extras`; 0 there means: has none.
 */
import { equalBytes } from '@keephold/bytes';
import type { TreeNode } from '../../node-fields.ts';
import type { RestoredMetadata } from '../../target.ts';

export const FILE_WORDS = 16;
export const PLACES_WORD = 12;
export const OPTIONS_WORD = 13;
export const HANDLE_WORD = 14;

export const FileOption = {
  /** May take the place of what is there. */
  replace: 1,
  /** Is written under a temporary name, so that its own never shows a part of it. */
  beside: 4,
  /** The content is right: set metadata only. */
  metadataOnly: 2,
} as const;

export type FileXattrs = readonly { readonly name: Uint8Array; readonly value: Uint8Array }[];

/** Survives structured cloning; `rows` and `paths` may be transferred. */
export interface FileTable {
  readonly count: number;
  readonly rows: Uint32Array;
  readonly paths: Uint8Array;
  readonly names: readonly Uint8Array[];
  readonly extras: readonly FileXattrs[];
}

export function pathOf(table: FileTable, file: number): Uint8Array {
  const at = file * FILE_WORDS;
  const start = table.rows[at]!;
  return table.paths.subarray(start, start + table.rows[at + 1]!);
}

export function hasOption(table: FileTable, file: number, option: number): boolean {
  return (table.rows[file * FILE_WORDS + OPTIONS_WORD]! & option) !== 0;
}

export function sizeOf(table: FileTable, file: number): number {
  const at = file * FILE_WORDS;
  return table.rows[at + 10]! + table.rows[at + 11]! * 0x1_0000_0000;
}

export function metadataOf(table: FileTable, file: number): RestoredMetadata {
  const { rows, names, extras } = table;
  const at = file * FILE_WORDS;
  const user = rows[at + 5]!;
  const group = rows[at + 6]!;
  const extra = rows[at + 15]!;
  return {
    mode: rows[at + 2]!,
    uid: rows[at + 3]!,
    gid: rows[at + 4]!,
    user: user === 0 ? undefined : names[user - 1],
    group: group === 0 ? undefined : names[group - 1],
    flags: rows[at + 7]! === 0 ? undefined : rows[at + 7]!,
    mtime: timeOf(rows[at + 8]!, rows[at + 9]!),
    xattrs: extra === 0 ? undefined : extras[extra - 1],
  };
}

// A 64-bit time as two words, without numbers of their own in between.
const time = new BigInt64Array(1);
const timeWords = new Uint32Array(time.buffer);

function timeOf(low: number, high: number): bigint {
  timeWords[0] = low;
  timeWords[1] = high;
  return time[0]!;
}

export class FileRows implements FileTable {
  rows: Uint32Array = new Uint32Array(256 * FILE_WORDS);
  paths: Uint8Array = new Uint8Array(256 * 64);
  count = 0;
  readonly names: Uint8Array[] = [];
  readonly extras: FileXattrs[] = [];
  readonly #nameNumbers = new Map<string, number>();
  #pathBytes = 0;
  #lastName = 0;

  /** Adds an entry; answers its number. */
  add(path: Uint8Array, node: TreeNode, options: number, xattrs: FileXattrs | undefined): number {
    const at = this.#addRow(path);
    const { rows } = this;
    rows[at + 2] = node.mode;
    rows[at + 3] = node.uid;
    rows[at + 4] = node.gid;
    rows[at + 5] = node.user === undefined ? 0 : this.#nameNumber(node.user) + 1;
    rows[at + 6] = node.group === undefined ? 0 : this.#nameNumber(node.group) + 1;
    rows[at + 7] = node.flags ?? 0;
    time[0] = node.mtime;
    rows[at + 8] = timeWords[0]!;
    rows[at + 9] = timeWords[1]!;
    rows[at + 10] = (node.size ?? 0) >>> 0;
    rows[at + 11] = Math.floor((node.size ?? 0) / 0x1_0000_0000);
    rows[at + OPTIONS_WORD] = options;
    if (xattrs !== undefined && xattrs.length > 0) rows[at + 15] = this.extras.push(xattrs);
    return at / FILE_WORDS;
  }

  /** Copies an entry of another table; answers its number. */
  copy(from: FileTable, file: number): number {
    const at = this.#addRow(pathOf(from, file));
    const source = file * FILE_WORDS;
    for (let word = 2; word < FILE_WORDS; word++) this.rows[at + word] = from.rows[source + word]!;
    for (const word of [5, 6]) {
      const name = from.rows[source + word]!;
      if (name !== 0) this.rows[at + word] = this.#nameNumber(from.names[name - 1]!) + 1;
    }
    const extra = from.rows[source + 15]!;
    if (extra !== 0) this.rows[at + 15] = this.extras.push(from.extras[extra - 1]!);
    return at / FILE_WORDS;
  }

  /** The rows without spare room, to be sent and not used here any more. */
  finish(): FileTable {
    return {
      count: this.count,
      rows: this.rows.slice(0, this.count * FILE_WORDS),
      paths: this.paths.slice(0, this.#pathBytes),
      names: this.names,
      extras: this.extras,
    };
  }

  #addRow(path: Uint8Array): number {
    const at = this.count * FILE_WORDS;
    if (at === this.rows.length) {
      const grown = new Uint32Array(this.rows.length * 2);
      grown.set(this.rows);
      this.rows = grown;
    }
    if (this.#pathBytes + path.length > this.paths.length) {
      const grown = new Uint8Array(Math.max(this.paths.length * 2, this.#pathBytes + path.length));
      grown.set(this.paths);
      this.paths = grown;
    }
    this.paths.set(path, this.#pathBytes);
    this.rows[at] = this.#pathBytes;
    this.rows[at + 1] = path.length;
    this.#pathBytes += path.length;
    this.count++;
    return at;
  }

  #nameNumber(name: Uint8Array): number {
    // Neighbours have the same owner.
    const last = this.names[this.#lastName];
    if (last !== undefined && equalBytes(last, name)) return this.#lastName;
    this.#lastName = this.#numberOf(name);
    return this.#lastName;
  }

  #numberOf(name: Uint8Array): number {
    const key = Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1');
    const known = this.#nameNumbers.get(key);
    if (known !== undefined) return known;
    const number = this.names.push(name.slice()) - 1;
    this.#nameNumbers.set(key, number);
    return number;
  }
}
