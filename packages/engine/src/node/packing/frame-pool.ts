/**
 * Frames that wait for a place while a pack gets full. A pack must have its full size, so what no frame fills is lost:
 * with frames of a megabyte half a frame a pack. Choosing among ten waiting frames leaves next to nothing.
 */
import { copyBytes } from '@keephold/ffi';
import { BLOB_ROW_BYTES, FRAME_ROW_BYTES } from '../../pack-contents.ts';
import type { FrameBlobs } from './pack-builder.ts';

/** More would double the sums to compare with each; half of so many leave some kilobytes of a pack. */
const MAX_FRAMES = 10;

export interface PooledFrame {
  readonly stored: Uint8Array;
  readonly rawLength: number;
  readonly compressed: boolean;
  readonly blobs: FrameBlobs;
  /** Bytes it takes of a pack, its rows included. */
  readonly cost: number;
}

/** Bytes of a pack that a frame takes. */
export function frameCost(storedBytes: number, blobs: number): number {
  return storedBytes + FRAME_ROW_BYTES + blobs * BLOB_ROW_BYTES;
}

export class FramePool {
  readonly #bytes: Uint8Array;
  #used = 0;
  #frames: PooledFrame[] = [];

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes it will probably hold when it is full, if frames go on as in `pack`. */
  reach(pack: { readonly position: number; readonly frames: number }): number {
    const average = pack.position / Math.max(pack.frames, 1);
    return Math.min(this.#bytes.length - average / 2, MAX_FRAMES * average);
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  hasRoom(storedBytes: number): boolean {
    return this.#frames.length < MAX_FRAMES && this.#used + storedBytes <= this.#bytes.length;
  }

  /** Where to make the next frame, when there is room for it: `add` then leaves it where it is. */
  space(bytes: number): Uint8Array {
    return this.#bytes.subarray(this.#used, this.#used + bytes);
  }

  /** Keeps a copy, or what was made in `space`. */
  add(
    stored: Uint8Array,
    frame: { readonly rawLength: number; readonly compressed: boolean },
    blobs: FrameBlobs,
  ): void {
    const kept = this.#bytes.subarray(this.#used, this.#used + stored.length);
    if (stored.buffer !== kept.buffer || stored.byteOffset !== kept.byteOffset) copyBytes(kept, stored);
    this.#used += stored.length;
    this.#frames.push({ stored: kept, ...frame, blobs: copyBlobs(blobs), cost: frameCost(stored.length, blobs.count) });
  }

  /** Takes out the frames that together come closest to `room` without exceeding it. */
  takeBest(room: number): readonly PooledFrame[] {
    const frames = this.#frames;
    const sums = new Float64Array(1 << frames.length);
    let best = 0;
    for (let set = 1; set < sums.length; set++) {
      const lowest = 31 - Math.clz32(set & -set);
      sums[set] = sums[set & (set - 1)]! + frames[lowest]!.cost;
      if (sums[set]! <= room && sums[set]! > sums[best]!) best = set;
    }
    this.#frames = frames.filter((_, i) => ((best >> i) & 1) === 0);
    return frames.filter((_, i) => ((best >> i) & 1) === 1);
  }

  /** Takes out all; the memory is free again once they are used. */
  takeAll(): readonly PooledFrame[] {
    const frames = this.#frames;
    this.#frames = [];
    this.#used = 0;
    return frames;
  }
}

function copyBlobs(blobs: FrameBlobs): FrameBlobs {
  return {
    ids: blobs.ids.slice(0, blobs.count * 32),
    lengths: blobs.lengths.slice(0, blobs.count),
    records: blobs.records.slice(0, blobs.count),
    kinds: blobs.kinds.slice(0, blobs.count),
    count: blobs.count,
  };
}
