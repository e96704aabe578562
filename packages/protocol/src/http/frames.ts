/**
 * A sequence of byte strings as one body: `length u32 ‖ bytes`, one after the other; the length 0xffffffff stands for
 * "not there" and has no bytes. Must never hand out a frame that is longer than the caller allows.
 */
import { concatBytes, readU32, u32le } from '@keephold/bytes';
import { MalformedRecordError } from '../errors.ts';

export type Frame = Uint8Array | undefined;

const PREFIX = 4;
const ABSENT = 0xffff_ffff;

/** The bytes of one frame as two parts, so that a long one need not be copied. */
export function frameParts(frame: Frame): readonly Uint8Array[] {
  return frame === undefined ? [u32le(ABSENT)] : [u32le(frame.length), frame];
}

export function encodeFrames(frames: readonly Frame[]): Uint8Array<ArrayBuffer> {
  return concatBytes(...frames.flatMap(frameParts));
}

export interface FrameLimits {
  /** Bytes of one frame. */
  readonly length: number;
  readonly count: number;
}

/** @throws MalformedRecordError when a frame is cut off or beyond the limits. */
export function decodeFrames(bytes: Uint8Array, limits: FrameLimits): readonly Frame[] {
  const reader = new FrameReader(limits);
  const frames = [...reader.push(bytes)];
  reader.end();
  return frames;
}

/** @throws MalformedRecordError as `decodeFrames`, and when a frame says "not there". */
export function decodePresentFrames(bytes: Uint8Array, limits: FrameLimits): readonly Uint8Array[] {
  return decodeFrames(bytes, limits).map((frame) => {
    if (frame === undefined) throw new MalformedRecordError('read frames: a frame is absent');
    return frame;
  });
}

/** Cuts chunks of any size into frames; keeps at most one frame and one chunk. */
export class FrameReader {
  readonly #limits: FrameLimits;
  #rest: Uint8Array[] = [];
  #held = 0;
  #count = 0;

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  /** @throws MalformedRecordError when a frame is beyond the limits. */
  *push(chunk: Uint8Array): Generator<Frame> {
    this.#rest.push(chunk);
    this.#held += chunk.length;
    while (this.#held >= PREFIX) {
      const joined = this.#joined();
      const length = readU32(joined, 0);
      const end = length === ABSENT ? PREFIX : PREFIX + this.#allowed(length);
      if (joined.length < end) return;
      this.#count++;
      if (this.#count > this.#limits.count) throw new MalformedRecordError('read frames: more than were asked for');
      this.#rest = end === joined.length ? [] : [joined.subarray(end)];
      this.#held -= end;
      yield length === ABSENT ? undefined : joined.slice(PREFIX, end);
    }
  }

  /** @throws MalformedRecordError when the last frame is cut off. */
  end(): void {
    if (this.#held > 0) throw new MalformedRecordError('read frames: the last one is cut off');
  }

  /** Joins only when a whole frame is there, or its length is split between chunks: long frames are copied once. */
  #joined(): Uint8Array {
    const [first] = this.#rest;
    if (this.#rest.length === 1) return first as Uint8Array;
    if ((first as Uint8Array).length >= PREFIX) {
      const length = readU32(first as Uint8Array, 0);
      if (length !== ABSENT && this.#held < PREFIX + this.#allowed(length)) return first as Uint8Array;
    }
    const joined = concatBytes(...this.#rest);
    this.#rest = [joined];
    return joined;
  }

  #allowed(length: number): number {
    if (length <= this.#limits.length) return length;
    throw new MalformedRecordError(`read frames: ${length} bytes where at most ${this.#limits.length} belong`);
  }
}
