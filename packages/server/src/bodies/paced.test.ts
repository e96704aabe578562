import { expect, it } from 'vitest';
import { longestBody } from './paced.ts';

it('gives four packs that share a line of 256 kbit/s the time they take, and another four behind them', () => {
  const [pack, line] = [16 * 1024 * 1024, 256_000 / 8];
  expect(longestBody(pack)).toBeGreaterThan(((8 * pack) / line) * 1000);
});
