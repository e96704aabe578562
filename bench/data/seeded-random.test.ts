import { expect, test } from 'vitest';
import { SeededRandom } from './seeded-random.ts';

test('the same seed gives the same bytes, another seed others', () => {
  const bytes = (seed: string) => Buffer.from(new SeededRandom(seed).bytes(64)).toString('hex');
  expect(bytes('text')).toBe(bytes('text'));
  expect(bytes('text')).not.toBe(bytes('media'));
});

test('bytes do not compress: every value comes about equally often', () => {
  const counts = new Array<number>(256).fill(0);
  for (const byte of new SeededRandom('even').bytes(256_000)) counts[byte]!++;
  expect(Math.min(...counts)).toBeGreaterThan(850);
  expect(Math.max(...counts)).toBeLessThan(1150);
});

test('a sample has different members in order, all of them at most', () => {
  const picked = new SeededRandom('sample').sample(50, 20);
  expect(new Set(picked).size).toBe(20);
  expect(picked).toEqual([...picked].sort((a, b) => a - b));
  expect(new SeededRandom('sample').sample(5, 9)).toEqual([0, 1, 2, 3, 4]);
});
