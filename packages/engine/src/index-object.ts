/**
 * Payload of index objects (format.md §5): which pack, frame and offset holds a blob. Stays binary after parsing; a
 * blob becomes an object only when somebody asks for it.
 *
 * ```
 * packCount u32 ‖ frameCount u32 ‖ blobCount u32 ‖ packs ‖ frames ‖ blobs
 * pack  (88) = packId 32 ‖ packSalt 32 ‖ pageCount u32 ‖ kind u8 ‖ 3 zero ‖ sessionId 16
 * frame (20) = the trailer's 16 bytes ‖ packIdx u32
 * blob  (48) = the trailer's, `frame` counting in this object
 * ```
 */
import { isAllowedPageCount, type PackKind, readU32, writeU32 } from '@keephold/bytes';
import type { PackId, SessionId } from '@keephold/protocol';
import { DamagedError } from './errors.ts';
import {
  BLOB_ROW_BYTES,
  blobCount,
  checkContents,
  FRAME_ROW_BYTES,
  frameCount,
  type PackContents,
  TAIL_BYTES,
} from './pack-contents.ts';

const COUNTS_BYTES = 12;
const PACK_ROW_BYTES = 88;
const INDEX_FRAME_BYTES = 20;
const PAGE_BYTES = 65_536;
export const MAX_BLOBS_PER_INDEX = 65_536;

/** One pack as an index object lists it. */
export interface IndexedPack {
  readonly packId: PackId;
  readonly packSalt: Uint8Array;
  readonly pageCount: number;
  readonly kind: PackKind;
  readonly sessionId: SessionId;
  readonly contents: PackContents;
}

export function encodeIndexPayload(packs: readonly IndexedPack[]): Uint8Array {
  const frames = packs.reduce((sum, pack) => sum + frameCount(pack.contents), 0);
  const blobs = packs.reduce((sum, pack) => sum + blobCount(pack.contents), 0);
  if (packs.length < 1 || blobs > MAX_BLOBS_PER_INDEX)
    throw new RangeError(`index of ${packs.length} packs, ${blobs} blobs`);
  const framesAt = COUNTS_BYTES + packs.length * PACK_ROW_BYTES;
  const blobsAt = framesAt + frames * INDEX_FRAME_BYTES;
  const out = new Uint8Array(blobsAt + blobs * BLOB_ROW_BYTES);
  [packs.length, frames, blobs].forEach((count, i) => writeU32(out, i * 4, count));
  let frame = 0;
  let blob = 0;
  packs.forEach((pack, packIndex) => {
    writePackRow(out, COUNTS_BYTES + packIndex * PACK_ROW_BYTES, pack);
    const firstFrame = frame;
    for (let at = 0; at < pack.contents.frames.length; at += FRAME_ROW_BYTES, frame++) {
      const to = framesAt + frame * INDEX_FRAME_BYTES;
      out.set(pack.contents.frames.subarray(at, at + FRAME_ROW_BYTES), to);
      writeU32(out, to + FRAME_ROW_BYTES, packIndex);
    }
    out.set(pack.contents.blobs, blobsAt + blob * BLOB_ROW_BYTES);
    for (const end = blob + blobCount(pack.contents); blob < end; blob++) {
      const at = blobsAt + blob * BLOB_ROW_BYTES + 32;
      writeU32(out, at, readU32(out, at) + firstFrame);
    }
  });
  return out;
}

function writePackRow(out: Uint8Array, at: number, pack: IndexedPack): void {
  out.set(pack.packId, at);
  out.set(pack.packSalt, at + 32);
  writeU32(out, at + 64, pack.pageCount);
  out[at + 68] = pack.kind;
  out.set(pack.sessionId, at + 72);
}

/** Packs of an index payload, every rule of the format checked. `kind` is what the object's type allows. */
export function parseIndexPayload(payload: Uint8Array, kind: PackKind): readonly IndexedPack[] {
  if (payload.length < COUNTS_BYTES) throw damagedIndex('too short');
  const packs = readU32(payload, 0);
  const frames = readU32(payload, 4);
  const blobs = readU32(payload, 8);
  const framesAt = COUNTS_BYTES + packs * PACK_ROW_BYTES;
  const blobsAt = framesAt + frames * INDEX_FRAME_BYTES;
  if (packs < 1 || blobs > MAX_BLOBS_PER_INDEX || blobsAt + blobs * BLOB_ROW_BYTES !== payload.length) {
    throw damagedIndex('length does not fit the counts');
  }
  const cursor = { frame: 0, blob: 0 };
  const parsed: IndexedPack[] = [];
  for (let i = 0; i < packs; i++) {
    const row = payload.subarray(COUNTS_BYTES + i * PACK_ROW_BYTES, COUNTS_BYTES + (i + 1) * PACK_ROW_BYTES);
    const contents = takeContents(payload, { framesAt, frames, blobsAt, blobs, packIndex: i }, cursor);
    parsed.push(parsePackRow(row, kind, contents));
  }
  if (cursor.frame !== frames || cursor.blob !== blobs) throw damagedIndex('rows of no pack');
  return parsed;
}

interface Regions {
  readonly framesAt: number;
  readonly frames: number;
  readonly blobsAt: number;
  readonly blobs: number;
  readonly packIndex: number;
}

/** Cuts out the rows of one pack and numbers its frames from 0 again, as the trailer does. */
function takeContents(payload: Uint8Array, regions: Regions, cursor: { frame: number; blob: number }): PackContents {
  const firstFrame = cursor.frame;
  while (cursor.frame < regions.frames) {
    const at = regions.framesAt + cursor.frame * INDEX_FRAME_BYTES;
    if (readU32(payload, at + FRAME_ROW_BYTES) !== regions.packIndex) break;
    cursor.frame++;
  }
  const frames = new Uint8Array((cursor.frame - firstFrame) * FRAME_ROW_BYTES);
  for (let i = 0; i < cursor.frame - firstFrame; i++) {
    const at = regions.framesAt + (firstFrame + i) * INDEX_FRAME_BYTES;
    frames.set(payload.subarray(at, at + FRAME_ROW_BYTES), i * FRAME_ROW_BYTES);
  }
  const firstBlob = cursor.blob;
  while (cursor.blob < regions.blobs) {
    const frame = readU32(payload, regions.blobsAt + cursor.blob * BLOB_ROW_BYTES + 32);
    if (frame < firstFrame || frame >= cursor.frame) break;
    cursor.blob++;
  }
  const blobs = payload.slice(
    regions.blobsAt + firstBlob * BLOB_ROW_BYTES,
    regions.blobsAt + cursor.blob * BLOB_ROW_BYTES,
  );
  for (let at = 32; at < blobs.length; at += BLOB_ROW_BYTES) writeU32(blobs, at, readU32(blobs, at) - firstFrame);
  return { frames, blobs };
}

function parsePackRow(row: Uint8Array, kind: PackKind, contents: PackContents): IndexedPack {
  const pageCount = readU32(row, 64);
  if (row[68] !== kind || (row[69] as number) | (row[70] as number) | (row[71] as number))
    throw damagedIndex('pack kind');
  if (!isAllowedPageCount(kind, pageCount)) throw damagedIndex('page count');
  const trailer = contents.frames.length + contents.blobs.length;
  checkContents(kind, contents, pageCount * PAGE_BYTES - trailer - TAIL_BYTES);
  return {
    packId: row.slice(0, 32) as PackId,
    packSalt: row.slice(32, 64),
    pageCount,
    kind,
    sessionId: row.slice(72, 88) as SessionId,
    contents,
  };
}

function damagedIndex(cause: string): DamagedError {
  return new DamagedError(`read index object: ${cause}`);
}
