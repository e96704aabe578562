/** Decompresses a stream piece by piece, with a bound on what may come out of it. */
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createInflate, createInflateRaw, type ZlibOptions } from 'node:zlib';
import { BrokenFileError } from '../errors.ts';

const CHUNK = 1 << 16;
const create: Readonly<Record<'raw' | 'zlib' | 'gzip', (options: ZlibOptions) => Transform>> = {
  raw: createInflateRaw,
  zlib: createInflate,
  gzip: createGunzip,
};

/** What is left of what may be decompressed of one file. */
export class InflateBudget {
  left: number;
  constructor(bytes: number) {
    this.left = bytes;
  }

  get isSpent(): boolean {
    return this.left <= 0;
  }
}

/**
 * What comes out; it ends early when the budget is spent. The pieces may be reused by nobody.
 * @throws BrokenFileError when the stream is cut short or wrong, and what `source` throws
 */
export async function* inflated(
  source: Iterable<Uint8Array>,
  format: keyof typeof create,
  budget: InflateBudget,
): AsyncGenerator<Uint8Array> {
  const stream = create[format]({ chunkSize: CHUNK });
  // An empty piece would end the stream.
  const fed = pipeline(Readable.from(withoutEmpty(source)), stream);
  // Its failure is that of the stream.
  fed.catch(() => undefined);
  try {
    for await (const piece of stream as AsyncIterable<Uint8Array>) {
      budget.left -= piece.length;
      yield piece;
      if (budget.isSpent) return;
    }
    await fed;
  } catch (cause) {
    throw isZlibError(cause) ? new BrokenFileError(`its compressed data: ${cause.message}`, { cause }) : cause;
  } finally {
    stream.destroy();
  }
}

function* withoutEmpty(source: Iterable<Uint8Array>): Generator<Uint8Array> {
  for (const piece of source) if (piece.length > 0) yield piece;
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && String((error as { readonly code?: unknown }).code).startsWith('Z_');
}
