import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createChunker, GEAR_TABLE_BYTES, MAX_CHUNK_BYTES, MIN_CHUNK_BYTES, SECTOR_WINDOW_BYTES } from './chunker.ts';

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

/** format.md §3, sectors, word by word and slow. */
function sectorCutByTheBook(table: BigUint64Array, data: Uint8Array, piece: number): number {
  const end = Math.min(data.length, 2 * piece);
  const bits = BigInt(Math.log2(piece) - 10);
  const hash = (from: number): bigint =>
    data.subarray(from, from + SECTOR_WINDOW_BYTES).reduce((h, byte) => ((h << 1n) + table[byte]!) & mask64, 0n);
  for (let at = piece / 2; at < end && at + SECTOR_WINDOW_BYTES <= data.length; at += 512) {
    const isZero = data.subarray(at, at + SECTOR_WINDOW_BYTES).every((byte) => byte === 0);
    if (hash(at) >> (64n - bits) === 0n && !isZero) return at;
  }
  return end;
}

describe('chunker of disk images', () => {
  const PIECE = 16 * 1024;

  it('cuts where format.md says', () => {
    const lengths = new Set<number>();
    for (let seed = 1; seed < 60; seed++) {
      const data = noise(2 * PIECE + SECTOR_WINDOW_BYTES, seed);
      const { chunker, table } = setUp(data);
      const found = chunker.cutAtSector(DATA_AT, data.length, PIECE);
      expect(found).toBe(sectorCutByTheBook(table, data, PIECE));
      lengths.add(found);
    }
    expect(lengths.size).toBeGreaterThan(5);
  });

  it('finds the same cuts again when what stands before them has moved by whole sectors', () => {
    const data = noise(40 * PIECE, 5);
    const cuts = (from: number): number[] => {
      const { chunker } = setUp(data);
      const ends: number[] = [];
      for (let at = from; at < data.length; ends.push(at))
        at += chunker.cutAtSector(DATA_AT + at, data.length - at, PIECE);
      return ends;
    };
    const moved = new Set(cuts(7 * 512));
    expect(cuts(0).filter((end) => moved.has(end)).length).toBeGreaterThan(20);
  });

  it('takes all that is left, and never cuts in zeros', () => {
    const { chunker } = setUp(new Uint8Array(4 * PIECE));
    expect(chunker.cutAtSector(DATA_AT, 4 * PIECE, PIECE)).toBe(2 * PIECE);
    expect(chunker.cutAtSector(DATA_AT, 700, PIECE)).toBe(700);
  });
});
