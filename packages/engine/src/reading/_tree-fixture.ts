/** Makes tree, list and data blobs from a plain description, for tests. */
import { CborWriter, compareBytes, concatBytes, toHex, utf8Encode } from '@keephold/bytes';
import type { BlobId } from '@keephold/protocol';
import { encodeList, type ListEntry } from '../list-codec.ts';
import type { Blob } from './_memory-vault.ts';

export type Entry = FileEntry | DirectoryEntry | LinkEntry;

export interface FileEntry {
  /** Data of each part. */
  readonly parts: readonly Uint8Array[];
  readonly mtime?: bigint;
  readonly mode?: number;
  /** Entries of a list instead of parts in the node; levels of lists above it. */
  readonly listed?: number;
  readonly size?: number;
}

export interface DirectoryEntry {
  readonly entries: Readonly<Record<string, Entry>>;
  /** Nodes of one tree blob; more are split. */
  readonly split?: number;
  readonly mtime?: bigint;
}

export interface LinkEntry {
  readonly target: string;
}

export class TreeFixture {
  readonly meta: Blob[] = [];
  readonly data: Blob[] = [];
  readonly #idOf: (blob: Blob) => BlobId;
  readonly #known = new Set<string>();

  constructor(idOf: (blob: Blob) => BlobId) {
    this.#idOf = idOf;
  }

  put(blob: Blob): BlobId {
    const id = this.#idOf(blob);
    const before = this.#known.size;
    if (this.#known.add(toHex(id)).size > before) (blob.kind === 1 ? this.data : this.meta).push(blob);
    return id;
  }

  directory({ entries, split = 2048 }: DirectoryEntry): BlobId {
    const names = Object.keys(entries).sort((a, b) => compareBytes(utf8Encode(a), utf8Encode(b)));
    const nodes = names.map((name) => this.#node(name, entries[name] as Entry));
    const parts: ListEntry[] = [];
    for (let at = 0; at === 0 || at < nodes.length; at += split) {
      const bytes = treeOf(nodes.slice(at, at + split));
      parts.push({ blob: this.put({ kind: 2, bytes }), bytes: bytes.length });
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only.blob : this.list(2, parts);
  }

  /** `levels` lists one above the other, the lowest over the leaves. */
  list(childKind: 1 | 2, leaves: readonly ListEntry[], levels = 1): BlobId {
    let entries = leaves;
    let id = this.put({ kind: 3, bytes: encodeList({ childKind, level: 0, entries }) });
    for (let level = 1; level < levels; level++) {
      entries = [{ blob: id, bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0) }];
      id = this.put({ kind: 3, bytes: encodeList({ childKind, level, entries }) });
    }
    return id;
  }

  #node(name: string, entry: Entry): Uint8Array {
    if ('parts' in entry) return this.#file(name, entry);
    if ('target' in entry) return encodeNode(name, { type: 2, fields: [[13, utf8Encode(entry.target)]] });
    return encodeNode(name, { type: 1, mtime: entry.mtime, fields: [[12, this.directory(entry)]] });
  }

  #file(name: string, { parts, mtime, mode, listed, size }: FileEntry): Uint8Array {
    const leaves = parts.map((bytes) => ({ blob: this.put({ kind: 1, bytes }), bytes: bytes.length }));
    const sum = leaves.reduce((total, { bytes }) => total + bytes, 0);
    const fields: [number, NodeValue][] = [[10, size ?? sum]];
    if (listed !== undefined) fields.push([11, this.list(1, leaves, listed)]);
    else if (leaves.length > 0) fields.push([11, leaves]);
    return encodeNode(name, { type: 0, mtime, mode, fields });
  }
}

type NodeValue = number | Uint8Array | readonly ListEntry[];

interface NodeFields {
  readonly type: number;
  readonly mode?: number | undefined;
  readonly mtime?: bigint | undefined;
  readonly fields: readonly (readonly [number, NodeValue])[];
}

/** A node of these fields, whatever they are: nothing is checked. */
export function encodeNode(name: string, { type, mode = 0o644, mtime = 5n, fields }: NodeFields): Uint8Array {
  const writer = new CborWriter();
  writer.mapHeader(4 + fields.length);
  writer.uint(0);
  writer.bytes(utf8Encode(name));
  writer.uint(1);
  writer.uint(type);
  writer.uint(2);
  writer.uint(mode);
  writer.uint(7);
  writer.int(mtime);
  for (const [key, value] of fields) {
    writer.uint(key);
    if (typeof value === 'number') writer.uint(value);
    else if (value instanceof Uint8Array) writer.bytes(value);
    else writeParts(writer, value);
  }
  return writer.finish();
}

function writeParts(writer: CborWriter, parts: readonly ListEntry[]): void {
  writer.arrayHeader(parts.length);
  for (const { blob, bytes } of parts) {
    writer.arrayHeader(2);
    writer.bytes(blob);
    writer.uint(bytes);
  }
}

export function treeOf(nodes: readonly Uint8Array[]): Uint8Array {
  const writer = new CborWriter();
  writer.arrayHeader(2);
  writer.uint(1);
  writer.arrayHeader(nodes.length);
  return concatBytes(writer.finish(), ...nodes);
}
