/** Compares two files byte for byte with bounded memory. */
import { closeSync, readSync } from 'node:fs';

export interface ContentBuffers {
  readonly a: Uint8Array;
  readonly b: Uint8Array;
}

const BUFFER_BYTES = 1 << 20;

export function createContentBuffers(): ContentBuffers {
  return { a: new Uint8Array(BUFFER_BYTES), b: new Uint8Array(BUFFER_BYTES) };
}

/**
 * Offset of the first byte that differs; undefined when the files are equal.
 *
 * @throws what opening or reading answers; the signal's reason when aborted.
 */
export function compareContent(
  openA: () => number,
  openB: () => number,
  buffers: ContentBuffers,
  signal: AbortSignal | undefined,
): number | undefined {
  const a = openA();
  try {
    const b = openB();
    try {
      return compareOpen(a, b, buffers, signal);
    } finally {
      closeSync(b);
    }
  } finally {
    closeSync(a);
  }
}

function compareOpen(
  a: number,
  b: number,
  buffers: ContentBuffers,
  signal: AbortSignal | undefined,
): number | undefined {
  for (let offset = 0; ; ) {
    signal?.throwIfAborted();
    const inA = readFully(a, buffers.a, offset);
    const inB = readFully(b, buffers.b, offset);
    const left = buffers.a.subarray(0, inA);
    const right = buffers.b.subarray(0, inB);
    if (inA !== inB || Buffer.compare(left, right) !== 0) return offset + firstDifference(left, right);
    if (inA < buffers.a.length) return undefined;
    offset += inA;
  }
}

function readFully(fd: number, buffer: Uint8Array, offset: number): number {
  let done = 0;
  while (done < buffer.length) {
    const read = readSync(fd, buffer, done, buffer.length - done, offset + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i;
  return length;
}
