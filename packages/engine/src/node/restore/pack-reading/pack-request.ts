/**
 * What a worker is asked to take out of one pack: frames, the blobs wanted of them, and where the bytes of each go.
 * Rows of 32-bit words in transferable arrays, in the order of the pack.
 */

import type { Pieces } from './frame-reader.ts';

/** offset ‖ storedLen ‖ rawLen ‖ compression ‖ first blob row ‖ number of blob rows */
export const WANTED_FRAME_WORDS = 6;
/** offset in frame ‖ length ‖ kind ‖ first place row ‖ number of place rows */
export const WANTED_BLOB_WORDS = 5;
/** file ‖ offset in file low ‖ high ‖ first byte of the blob ‖ length */
export const PLACE_WORDS = 5;

export interface PackRequest {
  readonly frames: Uint32Array;
  readonly blobs: Uint32Array;
  /** 32 bytes a blob row. */
  readonly ids: Uint8Array;
  readonly places: Uint32Array;
}

/** A pack whose pages were fetched. */
export interface FetchedPack {
  /** Which area its pages are in. */
  readonly area: number;
  readonly pageCount: number;
  readonly key: Uint8Array;
}

/** Takes the verified bytes of wanted blobs. */
export interface BlobSink {
  put(file: number, offset: number, bytes: Pieces): void;
  /** A blob of this file is damaged here. */
  spoil(file: number): void;
}
