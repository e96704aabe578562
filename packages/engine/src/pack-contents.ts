/**
 * What stands inside a pack (format.md §4), as the binary rows of its trailer. The same rows go into index objects, so
 * they are kept as bytes and never become an object per blob.
 *
 * ```
 * plaintext = frames ‖ zero padding ‖ trailer ‖ tail
 * trailer   = frameCount × 16: offset u32 ‖ storedLen u32 ‖ rawLen u32 ‖ comp u8 (0 stored, 1 zstd) ‖ 3 zero
 *             blobCount  × 48: blobId 32 ‖ frame u32 ‖ offsetInFrame u32 ‖ rawLen u32 ‖ kind u8 ‖ 3 zero
 * tail (32) = trailerOffset u32 ‖ trailerLength u32 ‖ frameCount u32 ‖ blobCount u32 ‖ "KHTR" ‖ 12 zero
 * ```
 */
import { type PackKind, readU32, writeU32 } from '@keephold/bytes';
import { DamagedError } from './errors.ts';

export const FRAME_ROW_BYTES = 16;
export const BLOB_ROW_BYTES = 48;
export const TAIL_BYTES = 32;
export const MAX_BLOBS_PER_PACK = 65_536;
export const MAX_META_FRAME_BYTES: number = 1.5 * 1024 * 1024;
export const MAX_DATA_FRAME_BYTES: number = 4 * 1024 * 1024 + 64 * 1024;
const TAIL_MAGIC = 0x5254_484b; // "KHTR", little-endian

export const BlobKind = { data: 1, tree: 2, list: 3 } as const;
export type BlobKind = (typeof BlobKind)[keyof typeof BlobKind];

/** Trailer rows of one pack. */
export interface PackContents {
  readonly frames: Uint8Array;
  readonly blobs: Uint8Array;
}

export function frameCount(contents: PackContents): number {
  return contents.frames.length / FRAME_ROW_BYTES;
}

export function blobCount(contents: PackContents): number {
  return contents.blobs.length / BLOB_ROW_BYTES;
}

export function encodeTail(trailerOffset: number, contents: PackContents): Uint8Array {
  const tail = new Uint8Array(TAIL_BYTES);
  writeU32(tail, 0, trailerOffset);
  writeU32(tail, 4, contents.frames.length + contents.blobs.length);
  writeU32(tail, 8, frameCount(contents));
  writeU32(tail, 12, blobCount(contents));
  writeU32(tail, 16, TAIL_MAGIC);
  return tail;
}

export interface Tail {
  readonly trailerOffset: number;
  readonly trailerLength: number;
  readonly frames: number;
  readonly blobs: number;
}

/** Reads the last 32 bytes of a pack's plaintext. `size` is the plaintext length of the whole pack. */
export function parseTail(tail: Uint8Array, size: number): Tail {
  const parsed: Tail = {
    trailerOffset: readU32(tail, 0),
    trailerLength: readU32(tail, 4),
    frames: readU32(tail, 8),
    blobs: readU32(tail, 12),
  };
  const fits =
    readU32(tail, 16) === TAIL_MAGIC &&
    tail.subarray(20).every((byte) => byte === 0) &&
    parsed.frames >= 1 &&
    parsed.blobs >= 1 &&
    parsed.blobs <= MAX_BLOBS_PER_PACK &&
    parsed.trailerLength === FRAME_ROW_BYTES * parsed.frames + BLOB_ROW_BYTES * parsed.blobs &&
    parsed.trailerOffset + parsed.trailerLength + TAIL_BYTES === size;
  if (!fits) throw new DamagedError('read pack trailer: the tail does not fit the pack');
  return parsed;
}

/**
 * Checks the rows of one pack: frames start at 0 and stand back to back before `limit`, blobs tile their frames in
 * order, kinds fit the pack. Returns the plaintext bytes of all blobs.
 */
export function checkContents(kind: PackKind, contents: PackContents, limit: number): number {
  const frames = frameCount(contents);
  const blobs = blobCount(contents);
  if (frames < 1 || blobs < 1 || blobs > MAX_BLOBS_PER_PACK || !Number.isInteger(frames) || !Number.isInteger(blobs)) {
    throw damagedRows('count out of range');
  }
  let at = 0;
  let blob = 0;
  let total = 0;
  for (let frame = 0; frame < frames; frame++) {
    const row = contents.frames.subarray(frame * FRAME_ROW_BYTES, (frame + 1) * FRAME_ROW_BYTES);
    at = checkFrameRow(kind, row, at, limit);
    const rawLength = readU32(row, 8);
    blob = checkTiling(kind, contents.blobs, blob, frame, rawLength);
    total += rawLength;
  }
  if (blob !== blobs) throw damagedRows('blobs beyond the last frame');
  return total;
}

function checkFrameRow(kind: PackKind, row: Uint8Array, expectedOffset: number, limit: number): number {
  const stored = readU32(row, 4);
  const raw = readU32(row, 8);
  const comp = row[12];
  const padding = (row[13] as number) | (row[14] as number) | (row[15] as number);
  if (readU32(row, 0) !== expectedOffset) throw damagedRows('frames are not back to back');
  if (raw < 1 || raw > (kind === 1 ? MAX_DATA_FRAME_BYTES : MAX_META_FRAME_BYTES)) throw damagedRows('frame length');
  if (comp === 0 ? stored !== raw : comp !== 1 || stored < 1 || stored >= raw) throw damagedRows('stored length');
  if (padding !== 0) throw damagedRows('reserved byte');
  if (expectedOffset + stored > limit) throw damagedRows('frame beyond the pack');
  return expectedOffset + stored;
}

function checkTiling(kind: PackKind, rows: Uint8Array, first: number, frame: number, rawLength: number): number {
  let blob = first;
  let offset = 0;
  while (offset < rawLength) {
    const at = blob * BLOB_ROW_BYTES;
    if (at >= rows.length || readU32(rows, at + 32) !== frame) throw damagedRows('blobs do not tile their frame');
    const length = readU32(rows, at + 40);
    const blobKind = rows[at + 44];
    const kindFits = kind === 1 ? blobKind === 1 : blobKind === 2 || blobKind === 3;
    const padding = (rows[at + 45] as number) | (rows[at + 46] as number) | (rows[at + 47] as number);
    if (!kindFits || padding !== 0) throw damagedRows('blob kind');
    if (readU32(rows, at + 36) !== offset || length < 1) throw damagedRows('blobs do not tile their frame');
    offset += length;
    blob++;
  }
  if (offset !== rawLength) throw damagedRows('blobs do not tile their frame');
  return blob;
}

function damagedRows(cause: string): DamagedError {
  return new DamagedError(`read pack trailer: ${cause}`);
}
