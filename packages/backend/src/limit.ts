/**
 * Wrapper that holds writes to a number of bytes per second, over all writes together and also in the middle of one.
 * Reads pass.
 */
import type { Backend, PutOptions } from './backend.ts';

export interface WriteLimit {
  /** Asked before each piece, so that a schedule may change it. Infinity: no limit. */
  readonly bytesPerSecond: () => number;
  /** Monotone milliseconds. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

export function limitWrites(backend: Backend, limit: WriteLimit): Backend {
  // The time at which everything let through so far is paid for.
  let paidUntil = Number.NEGATIVE_INFINITY;
  async function pace(bytes: number): Promise<void> {
    const rate = limit.bytesPerSecond();
    if (!(rate > 0) || rate === Number.POSITIVE_INFINITY) return;
    const start = Math.max(paidUntil, limit.now());
    paidUntil = start + (bytes * 1000) / rate;
    const wait = paidUntil - limit.now();
    if (wait > 0) await limit.sleep(wait);
  }
  const paced = (options: PutOptions = {}): PutOptions => ({
    ...options,
    pace: async (bytes) => {
      await options.pace?.(bytes);
      await pace(bytes);
      options.signal?.throwIfAborted();
    },
  });
  return {
    properties: backend.properties,
    get: async (name, options) => await backend.get(name, options),
    stat: async (name) => await backend.stat(name),
    list: (prefix) => backend.list(prefix),
    put: async (name, bytes, options) => await backend.put(name, bytes, paced(options)),
    putNew: async (name, bytes, options) => await backend.putNew(name, bytes, paced(options)),
    touch: async (name) => await backend.touch(name),
    delete: async (name) => await backend.delete(name),
  };
}
