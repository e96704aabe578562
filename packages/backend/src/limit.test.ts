import { describe, expect, it } from 'vitest';
import type { Backend, PutOptions } from './backend.ts';
import { limitWrites } from './limit.ts';

/** Takes writes in pieces of 64 KiB, as the folder does, and remembers when each went out. */
function recordingBackend(sent: number[], now: () => number): Backend {
  const put = async (_: string, bytes: Uint8Array, options?: PutOptions): Promise<void> => {
    for (let at = 0; at < bytes.length; at += 65_536) {
      await options?.pace?.(Math.min(65_536, bytes.length - at));
      sent.push(now());
    }
  };
  return {
    properties: { writesInFlight: 4, readsInFlight: 4, writerCanDestroy: true },
    get: async () => undefined,
    stat: async () => undefined,
    list: async function* () {},
    put,
    putNew: async (name, bytes, options) => {
      await put(name, bytes, options);
      return 'created';
    },
    touch: async () => false,
    delete: async () => undefined,
  };
}

describe('limitWrites', () => {
  it('holds all writes together to the rate, in the middle of a write too', async () => {
    let time = 0;
    const sent: number[] = [];
    let rate = 65_536;
    const limited = limitWrites(
      recordingBackend(sent, () => time),
      {
        bytesPerSecond: () => rate,
        now: () => time,
        sleep: async (wait) => {
          time += wait;
        },
      },
    );
    await limited.put('a', new Uint8Array(4 * 65_536));
    expect(sent).toEqual([1000, 2000, 3000, 4000]);
    await limited.putNew('b', new Uint8Array(65_536));
    expect(time).toBe(5000);
    rate = Number.POSITIVE_INFINITY;
    await limited.put('c', new Uint8Array(20 * 65_536));
    expect(time).toBe(5000);
    rate = 2 * 65_536;
    time += 60_000;
    await limited.put('d', new Uint8Array(2 * 65_536));
    expect(time).toBe(66_000);
  });

  it('rejects between two pieces when aborted', async () => {
    const controller = new AbortController();
    const sent: number[] = [];
    const limited = limitWrites(
      recordingBackend(sent, () => 0),
      {
        bytesPerSecond: () => 1000,
        now: () => 0,
        sleep: async () => {
          if (sent.length === 2) controller.abort();
        },
      },
    );
    const writing = limited.put('a', new Uint8Array(10 * 65_536), { signal: controller.signal });
    await expect(writing).rejects.toMatchObject({ name: 'AbortError' });
    expect(sent).toHaveLength(2);
  });
});
