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

  it('takes a new rate within half a second, for who waits already too', async () => {
    let time = 0;
    let rate = 1000;
    const limited = limitWrites(
      recordingBackend([], () => time),
      {
        bytesPerSecond: () => rate,
        now: () => time,
        sleep: async (wait) => {
          time += wait;
          if (time >= 3000) rate = 65_536;
        },
      },
    );
    await limited.put('a', new Uint8Array(65_536));
    // At the old rate it would have been 65 seconds.
    expect(time).toBeGreaterThan(3000);
    expect(time).toBeLessThan(4500);
    rate = 1000;
    time = 10_000;
    const slow = limited.put('b', new Uint8Array(65_536));
    rate = Number.POSITIVE_INFINITY;
    await slow;
    expect(time).toBeLessThanOrEqual(10_500);
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

  describe('of two long writes at once', () => {
    const MIB = 1024 * 1024;
    /** A clock that goes on when all who wait have said so. */
    function clock(): { readonly now: () => number; readonly sleep: (wait: number) => Promise<void> } {
      let time = 0;
      const waiting: { readonly until: number; readonly wake: () => void }[] = [];
      const tick = (): void => {
        const next = waiting.sort((a, b) => a.until - b.until).shift();
        if (next === undefined) return;
        time = Math.max(time, next.until);
        next.wake();
      };
      return {
        now: () => time,
        sleep: async (wait) =>
          await new Promise((resolve) => {
            waiting.push({ until: time + wait, wake: resolve });
            setImmediate(tick);
          }),
      };
    }

    it('has the first whole before the second begins, and lets short ones pass between', async () => {
      const { now, sleep } = clock();
      const limited = limitWrites(recordingBackend([], now), { bytesPerSecond: () => MIB, now, sleep });
      const ends: Record<string, number> = {};
      const put = async (name: string, length: number): Promise<void> => {
        await limited.put(name, new Uint8Array(length));
        ends[name] = now() / 1000;
      };
      await Promise.all([put('first', 4 * MIB), put('second', 4 * MIB), put('short', MIB / 16)]);
      expect(ends['short']).toBeLessThan(1);
      expect(ends['first']).toBeLessThan(4.2);
      expect(ends['second']).toBeGreaterThan(8);
    });

    it('lets the second go on at once when the first is aborted', async () => {
      const { now, sleep } = clock();
      const limited = limitWrites(recordingBackend([], now), { bytesPerSecond: () => MIB, now, sleep });
      const controller = new AbortController();
      const first = limited.put('first', new Uint8Array(400 * MIB), { signal: controller.signal });
      const third = limited.put('third', new Uint8Array(400 * MIB), { signal: controller.signal });
      const second = limited.put('second', new Uint8Array(4 * MIB));
      controller.abort();
      await expect(first).rejects.toMatchObject({ name: 'AbortError' });
      await expect(third).rejects.toMatchObject({ name: 'AbortError' });
      await second;
      expect(now() / 1000).toBeLessThan(5);
    });
  });
});
