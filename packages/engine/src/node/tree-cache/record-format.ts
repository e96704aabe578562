/**
 * One directory in the tree cache, a flat file in walk order (a directory after everything in it). All words are 32-bit
 * little-endian and aligned; byte strings are padded with zeros to a multiple of 4.
 *
 * ```
 * directory: length (of all that follows, itself included) ‖ flags (1: some places are records) ‖ path length
 *            ‖ entry count ‖ subtree kind (2 tree, 3 list) ‖ subtree bytes ‖ place count
 *            ‖ check (CRC-32 of the rest) ‖ subtree id 32 ‖ places ‖ path ‖ entries
 * entry:     identity 56 (source.ts) ‖ name length ‖ node length ‖ place count ‖ places ‖ name ‖ node
 * ```
 * A place is a pack number, or while a run is going a record number (file-results.ts). `node` is the entry's node as
 * the tree holds it. Entries are sorted by name bytes. All of it is a cache: names are private, the file is 0600.
 */
import { crc32 } from 'node:zlib';
import { IDENTITY_WORDS } from '../../source.ts';

export const DIRECTORY_WORDS = 16; // eight numbers and the subtree id
export const CHECK_WORD = 7;
export const ENTRY_WORDS: number = IDENTITY_WORDS + 3;

/** What stands at CHECK_WORD of a record: finds what a power cut or a rotten disk made of it. */
export function recordCheck(record: Uint8Array): number {
  return crc32(record.subarray(CHECK_WORD * 4 + 4), crc32(record.subarray(0, CHECK_WORD * 4)));
}

export function paddedWords(bytes: number): number {
  return (bytes + 3) >> 2;
}

/** Byte order of the walk: what lies under a directory comes before it. */
export function compareWalkOrder(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    if (a[i] !== b[i]) return rank(a[i]!) - rank(b[i]!);
  }
  if (a.length === b.length) return 0;
  // One is the start of the other: below it (comes first), or a sibling with a longer name (comes after).
  const longer = a.length > b.length ? a : b;
  const below = shared === 0 ? true : longer[shared] === SLASH;
  return a.length > b.length === below ? -1 : 1;
}

/** Whether `path` is that of `folder`, or of something in it. */
export function isAtOrBelow(path: Uint8Array, folder: Uint8Array): boolean {
  if (path.length < folder.length) return false;
  for (let i = folder.length - 1; i >= 0; i--) if (path[i] !== folder[i]) return false;
  return path.length === folder.length || path[folder.length] === SLASH;
}

const SLASH = 0x2f;

/** The end of a name sorts before any byte of a longer name. */
function rank(byte: number): number {
  return byte === SLASH ? -1 : byte;
}
