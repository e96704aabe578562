/**
 * Wrapper that holds writes to a number of bytes per second, over all writes together and also in the middle of one.
 * Reads pass. Long writes go one after the other, so that the first is whole when so many bytes have gone out, and not
 * all of them at the end; short ones pass between their pieces.
 */
import type { Backend, PutOptions } from './backend.ts';

export interface WriteLimit {
  /** Asked before each piece, so that a schedule may change it. Infinity: no limit. `length`: of the whole write. */
  readonly bytesPerSecond: (length: number) => number;
  /** Monotone milliseconds. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** Longer than records and most objects, shorter than packs. */
const LONG_WRITE: number = 1024 * 1024;

export function limitWrites(backend: Backend, limit: WriteLimit): Backend {
  // The time at which everything let through so far is paid for.
  let paidUntil = Number.NEGATIVE_INFINITY;
  // Ends when all long writes so far have gone out or failed.
  let earlier: Promise<unknown> = Promise.resolve();

  const rateFor = (length: number): number | undefined => {
    const rate = limit.bytesPerSecond(length);
    return rate > 0 && rate < Number.POSITIVE_INFINITY ? rate : undefined;
  };

  async function pace(bytes: number, rate: number | undefined, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (rate === undefined) return;
    const start = Math.max(paidUntil, limit.now());
    paidUntil = start + (bytes * 1000) / rate;
    const wait = paidUntil - limit.now();
    if (wait > 0) await unlessAborted(limit.sleep(wait), signal);
  }

  /** Calls `write` with options that hold it to the limit. */
  async function limited<T>(
    length: number,
    options: PutOptions | undefined,
    write: (options: PutOptions) => Promise<T>,
  ): Promise<T> {
    const signal = options?.signal;
    const before = length > LONG_WRITE && rateFor(length) !== undefined ? earlier : undefined;
    const { promise: gone, resolve: onGone } = Promise.withResolvers<void>();
    if (before !== undefined) earlier = Promise.all([before, gone]);
    let isTurn = before === undefined;
    const paced: PutOptions = {
      ...options,
      pace: async (bytes) => {
        await options?.pace?.(bytes);
        if (!isTurn) await unlessAborted(before, signal);
        isTurn = true;
        await pace(bytes, rateFor(length), signal);
      },
      onWritten: () => {
        onGone();
        options?.onWritten?.();
      },
    };
    try {
      return await write(paced);
    } finally {
      onGone();
    }
  }

  return {
    properties: backend.properties,
    get: async (name, options) => await backend.get(name, options),
    stat: async (name) => await backend.stat(name),
    list: (prefix) => backend.list(prefix),
    put: async (name, bytes, options) =>
      await limited(bytes.length, options, async (paced) => await backend.put(name, bytes, paced)),
    putNew: async (name, bytes, options) =>
      await limited(bytes.length, options, async (paced) => await backend.putNew(name, bytes, paced)),
    touch: async (name) => await backend.touch(name),
    delete: async (name) => await backend.delete(name),
  };
}

/** Waits for `promise`; rejects with the signal's reason as soon as that is aborted. */
async function unlessAborted(promise: Promise<unknown> | undefined, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return void (await promise);
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
