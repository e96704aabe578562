/**
 * Walks list blobs (format.md §6) down to their leaves and checks what a list promises: the kind of its children, levels
 * that fall by one, bytes that add up.
 */
import { toHex } from '@keephold/bytes';
import type { BlobId } from '@keephold/protocol';
import { DamagedError } from '../errors.ts';
import { decodeList, type List, type ListEntry } from '../list-codec.ts';
import { BlobKind } from '../pack-contents.ts';
import type { Blob } from './blob-reader.ts';

/** Reads a blob whose id was recomputed. */
export type ReadBlob = (id: BlobId) => Promise<Blob>;

export interface ListExpectation {
  /** Kind of the leaves. */
  readonly childKind: BlobKind;
  /** Undefined: any, for the topmost list. */
  readonly level?: number | undefined;
  /** Sum of everything beneath; undefined: whatever it says. */
  readonly bytes?: number | undefined;
}

/** Entries that point at leaves, in order, up to 1,024 at a time. */
export async function* listLeaves(
  read: ReadBlob,
  id: BlobId,
  expected: ListExpectation,
): AsyncGenerator<readonly ListEntry[]> {
  const { kind, bytes } = await read(id);
  if (kind !== BlobKind.list) throw damagedList(id, `it is a blob of kind ${kind}`);
  yield* leavesOf(read, checkedList(id, bytes, expected));
}

/** As `listLeaves`, for the plaintext of a list blob that was read already. */
export async function* leavesOf(read: ReadBlob, list: List): AsyncGenerator<readonly ListEntry[]> {
  if (list.level === 0) {
    yield list.entries;
    return;
  }
  for (const { blob, bytes } of list.entries) {
    yield* listLeaves(read, blob, { childKind: list.childKind, level: list.level - 1, bytes });
  }
}

/** Decodes the plaintext of list blob `id`. */
export function checkedList(id: BlobId, plaintext: Uint8Array, { childKind, level, bytes }: ListExpectation): List {
  const list = decodeList(plaintext, level === undefined ? { childKind } : { childKind, level });
  const sum = list.entries.reduce((total, entry) => total + entry.bytes, 0);
  if (!Number.isSafeInteger(sum) || (bytes !== undefined && sum !== bytes)) {
    throw damagedList(id, `its entries sum to ${sum} bytes`);
  }
  return list;
}

function damagedList(id: BlobId, cause: string): DamagedError {
  return new DamagedError(`read list ${toHex(id)}: ${cause}`);
}
