/**
 * Wrapper that holds writes to a number of bytes per second, over all writes together and also in the middle of one.
 * Reads pass. Long writes go one after the other, so that the first is whole when so many bytes have gone out, and not
 * all of them at the end; short ones pass between their pieces.
 */
import type { Backend, PutOptions } from './backend.ts';
import { Pacer, type WriteLimit } from './pacer.ts';

export function limitWrites(backend: Backend, limit: WriteLimit): Backend {
  const pacer = new Pacer(limit);

  /** Calls `write` with options that hold it to the limit. */
  async function limited<T>(
    length: number,
    options: PutOptions | undefined,
    write: (options: PutOptions) => Promise<T>,
  ): Promise<T> {
    const paced = pacer.begin(length);
    const held: PutOptions = {
      ...options,
      pace: async (bytes) => {
        await options?.pace?.(bytes);
        await paced.pace(bytes, { signal: options?.signal });
      },
      onWritten: () => {
        paced.end();
        options?.onWritten?.();
      },
    };
    try {
      return await write(held);
    } finally {
      paced.end();
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
