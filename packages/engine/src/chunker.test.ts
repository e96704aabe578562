import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createChunker, GEAR_TABLE_BYTES, MAX_CHUNK_BYTES, MIN_CHUNK_BYTES } from './chunker.ts';

const DATA_AT = 65_536;
const mask64 = (1n << 64n) - 1n;

/** Deterministic noise (xorshift), so that both runtimes see the same bytes. */
function noise(length: number, seed: number): Uint8Array {
  const out = new Uint8Array(length);
  let x = seed | 1;
  for (let i = 0; i < length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    out[i] = x;
  }
  return out;
}

/** format.md §3, word by word and slow. */
function cutByTheBook(table: BigUint64Array, data: Uint8Array): number {
  let h = 0n;
  for (let length = MIN_CHUNK_BYTES - 64 + 1; length <= Math.min(data.length, MAX_CHUNK_BYTES); length++) {
    h = ((h << 1n) + table[data[length - 1]!]!) & mask64;
    if (length < MIN_CHUNK_BYTES) continue;
    const bits = length < 1024 * 1024 ? 22n : 18n;
    if (h >> (64n - bits) === 0n || length === MAX_CHUNK_BYTES) return length;
  }
  return 0;
}

function setUp(data: Uint8Array) {
  const memory = new WebAssembly.Memory({ initial: 128, maximum: 128, shared: true });
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(noise(GEAR_TABLE_BYTES, 77), 0);
  bytes.set(data, DATA_AT);
  return { chunker: createChunker(memory), table: new BigUint64Array(noise(GEAR_TABLE_BYTES, 77).buffer) };
}

describe('chunker', () => {
  it('cuts where format.md says', { timeout: 60_000 }, () => {
    for (const seed of [3, 5, 9]) {
      const data = noise(3 * 1024 * 1024, seed);
      const { chunker, table } = setUp(data);
      expect(chunker.cut(DATA_AT, data.length)).toBe(cutByTheBook(table, data));
    }
  });

  it('forces a cut at 4 MiB in bytes that never cut', () => {
    const data = new Uint8Array(5 * 1024 * 1024);
    const { chunker } = setUp(data);
    expect(chunker.cut(DATA_AT, data.length)).toBe(MAX_CHUNK_BYTES);
  });

  it('finds the same cut however the bytes arrive', () => {
    const data = noise(3 * 1024 * 1024, 11);
    const whole = setUp(data).chunker.cut(DATA_AT, data.length);
    const { chunker } = setUp(data);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900_000 }), { minLength: 1, maxLength: 12 }), (steps) => {
        chunker.reset();
        let available = 0;
        for (const step of [...steps, data.length]) {
          available = Math.min(data.length, available + step);
          const found = chunker.cut(DATA_AT, available);
          if (found !== 0) return found === whole;
        }
        return false;
      }),
      { numRuns: 30 },
    );
  });
});
