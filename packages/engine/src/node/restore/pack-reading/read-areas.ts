/**
 * Shared memory into which packs are read: the main thread has bytes put there, a worker opens and uses them in place.
 * Page i of a pack always stands where the file has it, also when only some pages were fetched.
 */
import { SEALED_PAGE_BYTES } from '@keephold/crypto/bulk';
import { PACK_HEADER_LENGTH } from '@keephold/protocol';
import { packAreaBytes } from '../../packing/pack-builder.ts';

/** One byte more than the largest pack, to see when a file is too long, rounded to pages of the machine's memory. */
const AREA_BYTES: number = Math.ceil((packAreaBytes(1) + 1) / 4096) * 4096;

export function createReadAreas(count: number): SharedArrayBuffer {
  return new SharedArrayBuffer(count * AREA_BYTES);
}

export function readArea(memory: SharedArrayBuffer, index: number): Uint8Array {
  return new Uint8Array(memory, index * AREA_BYTES, AREA_BYTES);
}

/** The sealed pages of a pack in its area. */
export function pagesOfArea(area: Uint8Array, pageCount: number): Uint8Array {
  return area.subarray(PACK_HEADER_LENGTH, PACK_HEADER_LENGTH + pageCount * SEALED_PAGE_BYTES);
}
