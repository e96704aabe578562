/**
 * List blobs (format.md §6): `[1, childKind, level, [[blobId, bytes]…]]`, at most 1,024 entries, filled left to right;
 * level 0 points at leaves, level n at lists of level n − 1. They hold the parts of big files and the tree blobs of big
 * directories.
 */
import { CborError, CborReader, CborWriter } from '@keephold/bytes';
import type { BlobId } from '@keephold/protocol';
import { DamagedError } from './errors.ts';
import type { BlobKind } from './pack-contents.ts';

export const MAX_LIST_ENTRIES = 1024;
export const MAX_LIST_LEVEL = 8;
const LIST_VERSION = 1;

export interface ListEntry {
  readonly blob: BlobId;
  /** Content bytes, or plaintext length of the tree blobs, beneath. */
  readonly bytes: number;
}

export interface List {
  /** Kind of the leaves, at every level. */
  readonly childKind: BlobKind;
  readonly level: number;
  readonly entries: readonly ListEntry[];
}

export function encodeList(list: List): Uint8Array {
  const writer = new CborWriter(64 + list.entries.length * 44);
  writer.arrayHeader(4);
  writer.uint(LIST_VERSION);
  writer.uint(list.childKind);
  writer.uint(list.level);
  writer.arrayHeader(list.entries.length);
  for (const entry of list.entries) {
    writer.arrayHeader(2);
    writer.bytes(entry.blob);
    writer.uint(entry.bytes);
  }
  return writer.finish();
}

/** @throws DamagedError on anything but a list of these leaves and, when given, of this level. */
export function decodeList(
  bytes: Uint8Array,
  expected: { readonly childKind: BlobKind; readonly level?: number },
): List {
  try {
    const reader = new CborReader(bytes);
    if (reader.readArrayHeader() !== 4 || reader.readUint() !== LIST_VERSION) throw damagedList('version');
    const childKind = reader.readUint();
    const level = reader.readUint();
    if (childKind !== expected.childKind) throw damagedList('kind of children');
    if (level > MAX_LIST_LEVEL || (expected.level !== undefined && level !== expected.level))
      throw damagedList('level');
    const count = reader.readArrayHeader();
    if (count < 1 || count > MAX_LIST_ENTRIES) throw damagedList('number of entries');
    const entries: ListEntry[] = [];
    for (let i = 0; i < count; i++) entries.push(readEntry(reader));
    reader.end();
    return { childKind: expected.childKind, level, entries };
  } catch (cause) {
    if (cause instanceof CborError) throw new DamagedError(`read list: ${cause.message}`, { cause });
    throw cause;
  }
}

function readEntry(reader: CborReader): ListEntry {
  if (reader.readArrayHeader() !== 2) throw damagedList('entry');
  const blob = reader.readBytes();
  if (blob.length !== 32) throw damagedList('blob id');
  const bytes = reader.readUint();
  if (bytes < 1) throw damagedList('empty entry');
  return { blob: blob as BlobId, bytes };
}

/**
 * Builds the lists over `leaves`, bottom up, storing each by `store`; answers the id of the topmost. A single leaf
 * still gets a list: the caller decides when one is wanted.
 */
export function buildLists(
  childKind: BlobKind,
  leaves: readonly ListEntry[],
  store: (list: Uint8Array) => BlobId,
): ListEntry {
  let entries = leaves;
  for (let level = 0; level <= MAX_LIST_LEVEL; level++) {
    const parents: ListEntry[] = [];
    for (let at = 0; at < entries.length; at += MAX_LIST_ENTRIES) {
      const group = entries.slice(at, at + MAX_LIST_ENTRIES);
      const bytes = group.reduce((sum, entry) => sum + entry.bytes, 0);
      parents.push({ blob: store(encodeList({ childKind, level, entries: group })), bytes });
    }
    if (parents.length === 1) return parents[0] as ListEntry;
    entries = parents;
  }
  throw new RangeError('build lists: more leaves than nine levels hold');
}

function damagedList(cause: string): DamagedError {
  return new DamagedError(`read list: ${cause}`);
}
