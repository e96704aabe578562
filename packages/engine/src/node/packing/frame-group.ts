/**
 * Blobs gathered for one frame (format.md §3). Frames of about one size are a poor fit for packs, which must have their
 * full size: all sums of some of them are alike. So each group aims at another length.
 */
import type { BlobKind } from '../../pack-contents.ts';
import type { FrameBlobs } from './pack-builder.ts';

const MAX_BLOBS = 4096;
/** Multiples of it, modulo 1, spread evenly however many there are (the golden section). */
const STEP: number = (Math.sqrt(5) - 1) / 2;

export interface GroupLengths {
  /** A group is closed at the first blob that takes it to a length between these two. */
  readonly least: number;
  readonly most: number;
  /** Bytes it can hold. */
  readonly capacity: number;
}

export class FrameGroup {
  readonly #lengths: GroupLengths;
  readonly #bytes: Uint8Array;
  readonly #ids = new Uint8Array(MAX_BLOBS * 32);
  readonly #blobLengths = new Uint32Array(MAX_BLOBS);
  readonly #records = new Uint32Array(MAX_BLOBS);
  readonly #kinds = new Uint8Array(MAX_BLOBS);
  #length = 0;
  #count = 0;
  #groups = 0;

  constructor(lengths: GroupLengths) {
    this.#lengths = lengths;
    this.#bytes = new Uint8Array(lengths.capacity);
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Whether it is as long as this group should be. */
  get isFull(): boolean {
    const { least, most } = this.#lengths;
    return this.#length >= least + (most - least) * ((this.#groups * STEP) % 1);
  }

  /** Whether a blob of `length` bytes fits, and one byte more. */
  hasRoom(length: number): boolean {
    return this.#length + length < this.#bytes.length && this.#count < MAX_BLOBS;
  }

  /** Where to put the next blob, with one byte more. */
  space(length: number): Uint8Array {
    return this.#bytes.subarray(this.#length, this.#length + length + 1);
  }

  /** Keeps the first `length` bytes of `space` as a blob. */
  add(id: Uint8Array, length: number, kind: BlobKind, record: number): void {
    this.#ids.set(id, this.#count * 32);
    this.#blobLengths[this.#count] = length;
    this.#records[this.#count] = record;
    this.#kinds[this.#count] = kind;
    this.#count++;
    this.#length += length;
  }

  /** Begins the next group and answers what was in this one, valid until the next `add`. */
  take(): { readonly bytes: Uint8Array; readonly blobs: FrameBlobs } {
    const bytes = this.#bytes.subarray(0, this.#length);
    const blobs: FrameBlobs = {
      ids: this.#ids,
      lengths: this.#blobLengths,
      records: this.#records,
      kinds: this.#kinds,
      count: this.#count,
    };
    this.#length = 0;
    this.#count = 0;
    this.#groups++;
    return { bytes, blobs };
  }
}
