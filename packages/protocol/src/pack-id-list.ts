/**
 * Sets of packs as one sorted byte array: 32 bytes an id, ascending bytewise, none twice (`PackIdList`). Digests,
 * refsets and their deltas are made of these; 65,000 packs are 2 MB and need no object each. Lists from outside must
 * pass `checkPackIdList` first; every function here relies on the order and returns new lists.
 */
import { compareBytes } from '@keephold/bytes';
import type { PackIdList, RefsetDelta } from './custody.ts';
import { MalformedRecordError } from './errors.ts';
import { HASH_LENGTH } from './id-from-bytes.ts';
import type { PackId } from './ids.ts';

export const EMPTY_PACK_ID_LIST: PackIdList = new Uint8Array(0);

export function packIdCount(list: PackIdList): number {
  return list.length / HASH_LENGTH;
}

/** The id at `index`, as a view. */
export function packIdAt(list: PackIdList, index: number): PackId {
  return list.subarray(index * HASH_LENGTH, (index + 1) * HASH_LENGTH) as PackId;
}

/** @throws MalformedRecordError unless whole ids in ascending order without duplicates. */
export function checkPackIdList(list: PackIdList): void {
  if (list.length % HASH_LENGTH !== 0) throw new MalformedRecordError(`read pack list: ${list.length} bytes`);
  for (let at = HASH_LENGTH; at < list.length; at += HASH_LENGTH) {
    if (compareAt(list, at - HASH_LENGTH, list, at) >= 0) {
      throw new MalformedRecordError(`read pack list: order broken at entry ${at / HASH_LENGTH}`);
    }
  }
}

/** Ids in any order, duplicates allowed, into a list. */
export function sortPackIds(ids: Iterable<Uint8Array>): PackIdList {
  const sorted = [...ids].sort(compareBytes);
  const result = new Uint8Array(sorted.length * HASH_LENGTH);
  let length = 0;
  for (const id of sorted) {
    if (id.length !== HASH_LENGTH) throw new MalformedRecordError(`sort pack ids: an id of ${id.length} bytes`);
    if (length > 0 && compareAt(result, length - HASH_LENGTH, id, 0) === 0) continue;
    result.set(id, length);
    length += HASH_LENGTH;
  }
  return length === result.length ? result : result.slice(0, length);
}

export function containsPackId(list: PackIdList, id: Uint8Array): boolean {
  let low = 0;
  let high = packIdCount(list) - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = compareAt(list, middle * HASH_LENGTH, id, 0);
    if (order === 0) return true;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}

/** What is in `a` or in `b`. */
export function unionPackIds(a: PackIdList, b: PackIdList): PackIdList {
  return merge(a, b, { onlyA: true, both: true, onlyB: true });
}

/** What is in `a` and not in `b`. */
export function subtractPackIds(a: PackIdList, b: PackIdList): PackIdList {
  return merge(a, b, { onlyA: true, both: false, onlyB: false });
}

/** What is in `a` and in `b`. */
export function intersectPackIds(a: PackIdList, b: PackIdList): PackIdList {
  return merge(a, b, { onlyA: false, both: true, onlyB: false });
}

/** The delta that turns `base`, the refset of commit `parentSeq`, into `target`. */
export function refsetDelta(parentSeq: number | undefined, base: PackIdList, target: PackIdList): RefsetDelta {
  return { parentSeq, added: subtractPackIds(target, base), removed: subtractPackIds(base, target) };
}

/**
 * The refset that a delta describes. Strict, so that one refset has one delta: nothing is added that is there
 * already, nothing removed that is not.
 * @throws MalformedRecordError when the delta's lists are not sorted or do not fit `base`.
 */
export function applyRefsetDelta(base: PackIdList, delta: RefsetDelta): PackIdList {
  checkPackIdList(delta.added);
  checkPackIdList(delta.removed);
  if (intersectPackIds(base, delta.added).length > 0) {
    throw new MalformedRecordError('apply refset delta: it adds a pack that the base has');
  }
  const kept = subtractPackIds(base, delta.removed);
  if (base.length - kept.length !== delta.removed.length) {
    throw new MalformedRecordError('apply refset delta: it removes a pack that the base lacks');
  }
  return unionPackIds(kept, delta.added);
}

interface Keep {
  readonly onlyA: boolean;
  readonly both: boolean;
  readonly onlyB: boolean;
}

function merge(a: PackIdList, b: PackIdList, keep: Keep): PackIdList {
  const result = new Uint8Array((keep.onlyA || keep.both ? a.length : 0) + (keep.onlyB ? b.length : 0));
  let length = 0;
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const order = i === a.length ? 1 : j === b.length ? -1 : compareAt(a, i, b, j);
    const wanted = order < 0 ? keep.onlyA : order > 0 ? keep.onlyB : keep.both;
    if (wanted) {
      copyId(result, length, order <= 0 ? a : b, order <= 0 ? i : j);
      length += HASH_LENGTH;
    }
    if (order <= 0) i += HASH_LENGTH;
    if (order >= 0) j += HASH_LENGTH;
  }
  return length === result.length ? result : result.slice(0, length);
}

function copyId(target: Uint8Array, at: number, source: Uint8Array, from: number): void {
  for (let i = 0; i < HASH_LENGTH; i++) target[at + i] = source[from + i] as number;
}

// Ids are hashes: the first byte decides almost always.
function compareAt(a: Uint8Array, i: number, b: Uint8Array, j: number): number {
  for (let k = 0; k < HASH_LENGTH; k++) {
    const difference = (a[i + k] as number) - (b[j + k] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}
