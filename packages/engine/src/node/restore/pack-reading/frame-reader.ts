/**
 * Opens pages and frames of one pack after the other, in a worker thread, without allocation: pages are opened in
 * place and at most once, frames are gathered and decompressed into memory that is used again for the next one.
 * What does not open or decompress is an answer, not an error: a damaged pack still gives its good frames.
 */
import { type BulkCrypto, PAGE_BYTES, SEALED_PAGE_BYTES } from '@keephold/crypto/bulk';
import { copyBytes } from '@keephold/ffi';
import { MAX_DATA_FRAME_BYTES } from '../../../pack-contents.ts';
import type { Zstd } from '../../zstd.ts';

/** A frame row of a trailer or index (format.md §4). */
export interface FramePlace {
  readonly offset: number;
  readonly storedLength: number;
  readonly rawLength: number;
  /** 0 stored, 1 zstd. */
  readonly compression: number;
}

/** Bytes that follow each other though they do not stand in one piece of memory. */
export type Pieces = readonly Uint8Array[];

/** Bytes `from` to `from + length` of pieces, which have that many. */
export function slicePieces(pieces: Pieces, from: number, length: number): Pieces {
  if (pieces.length === 1) return [pieces[0]!.subarray(from, from + length)];
  const slices: Uint8Array[] = [];
  let skip = from;
  let left = length;
  for (const piece of pieces) {
    if (left === 0) break;
    if (skip < piece.length) {
      const slice = piece.subarray(skip, skip + left);
      slices.push(slice);
      left -= slice.length;
    }
    skip = Math.max(0, skip - piece.length);
  }
  return slices;
}

const SEALED = 0;
const OPEN = 1;
const BAD = 2;

export class FrameReader {
  readonly #bulk: BulkCrypto;
  readonly #zstd: Zstd;
  readonly #states = new Uint8Array(256);
  #stored = new Uint8Array(0);
  /** Two, so that the blobs of two frames can be looked at side by side. */
  #raw = new Uint8Array(0);
  #otherRaw = new Uint8Array(0);
  #pages = new Uint8Array(0);
  #key: Uint8Array = new Uint8Array(0);
  #pageCount = 0;

  constructor(bulk: BulkCrypto, zstd: Zstd) {
    this.#bulk = bulk;
    this.#zstd = zstd;
  }

  /** `pages` are the sealed pages of a pack, from page 0 on; they are opened in place as they are needed. */
  start(pages: Uint8Array, packKey: Uint8Array): void {
    this.#pages = pages as Uint8Array<ArrayBuffer>;
    this.#key = packKey;
    this.#pageCount = pages.length / SEALED_PAGE_BYTES;
    this.#states.fill(SEALED, 0, this.#pageCount);
  }

  /**
   * Plaintext of a frame; undefined when it is damaged. What was stored as it is stays in the pages; what was
   * decompressed is valid until the second next frame is asked for.
   */
  frame(place: FramePlace): Pieces | undefined {
    const { offset, storedLength, rawLength } = place;
    if (rawLength > MAX_DATA_FRAME_BYTES || storedLength > MAX_DATA_FRAME_BYTES) return undefined;
    if (place.compression === 0) return this.#inPages(offset, storedLength);
    this.#reserve();
    const stored = this.plaintext(offset, this.#stored.subarray(0, storedLength));
    if (stored === undefined) return undefined;
    const raw = this.#otherRaw.subarray(0, rawLength);
    [this.#raw, this.#otherRaw] = [this.#otherRaw, this.#raw];
    return this.#zstd.decompress(stored, raw) ? [raw] : undefined;
  }

  /** Plaintext where it stands; undefined when a page is damaged. */
  #inPages(position: number, length: number): Pieces | undefined {
    const end = position + length;
    if (end > this.#pageCount * PAGE_BYTES) return undefined;
    const pieces: Uint8Array[] = [];
    for (let page = Math.floor(position / PAGE_BYTES), at = position; at < end; page++) {
      if (!this.openPage(page)) return undefined;
      const start = page * SEALED_PAGE_BYTES + (at - page * PAGE_BYTES);
      const run = Math.min(end, (page + 1) * PAGE_BYTES) - at;
      pieces.push(this.#pages.subarray(start, start + run));
      at += run;
    }
    return pieces;
  }

  /** Copies plaintext from `position` on into all of `target`, which is answered; undefined when a page is damaged. */
  plaintext(position: number, target: Uint8Array): Uint8Array | undefined {
    const end = position + target.length;
    if (end > this.#pageCount * PAGE_BYTES) return undefined;
    const lastPage = Math.floor((end - 1) / PAGE_BYTES);
    for (let page = Math.floor(position / PAGE_BYTES), at = position; page <= lastPage; page++) {
      if (!this.openPage(page)) return undefined;
      const start = page * SEALED_PAGE_BYTES + (at - page * PAGE_BYTES);
      const run = Math.min(end, (page + 1) * PAGE_BYTES) - at;
      copyBytes(target.subarray(at - position), this.#pages.subarray(start, start + run));
      at += run;
    }
    return target;
  }

  /** Opens a page unless that was done; false when its tag is wrong. One at a time: the copy then finds it in cache. */
  openPage(page: number): boolean {
    if (this.#states[page] === SEALED) {
      const at = page * SEALED_PAGE_BYTES;
      const sealed = this.#pages.subarray(at, at + SEALED_PAGE_BYTES);
      this.#states[page] = this.#bulk.openPages(this.#key, sealed, page, 1) === 1 ? OPEN : BAD;
    }
    return this.#states[page] === OPEN;
  }

  /** Whether plaintext bytes `from` to `to` are all zero; false too when a page is damaged. */
  isZero(from: number, to: number): boolean {
    for (let at = from; at < to; ) {
      const page = Math.floor(at / PAGE_BYTES);
      if (!this.openPage(page)) return false;
      const start = page * SEALED_PAGE_BYTES + (at - page * PAGE_BYTES);
      const run = Math.min(to, (page + 1) * PAGE_BYTES) - at;
      if (!isZero(this.#pages.subarray(start, start + run))) return false;
      at += run;
    }
    return true;
  }

  #reserve(): void {
    if (this.#raw.length > 0) return;
    this.#raw = new Uint8Array(MAX_DATA_FRAME_BYTES);
    this.#otherRaw = new Uint8Array(MAX_DATA_FRAME_BYTES);
    this.#stored = new Uint8Array(MAX_DATA_FRAME_BYTES);
  }
}

function isZero(bytes: Uint8Array): boolean {
  // Bytes up to the next multiple of 8, then eight at a time.
  const lead = Math.min(bytes.length, -bytes.byteOffset & 7);
  for (let i = 0; i < lead; i++) if (bytes[i] !== 0) return false;
  const words = Math.floor((bytes.length - lead) / 8);
  const wide = new Float64Array(bytes.buffer, bytes.byteOffset + lead, words);
  // Negative zero and every NaN differ from +0 by Object.is; denormals compare as numbers.
  for (let i = 0; i < words; i++) if (!Object.is(wide[i], 0)) return false;
  for (let i = lead + words * 8; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}
