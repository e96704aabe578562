import { expect, test } from 'vitest';
import { exponent, fitLine } from './fit-line.ts';

test('a line is found again, and how well it fits', () => {
  const line = fitLine([1, 2, 4].map((x) => ({ x, y: 3 + 2 * x })));
  expect(line.fixed).toBeCloseTo(3);
  expect(line.slope).toBeCloseTo(2);
  expect(line.fit).toBeCloseTo(1);
  expect(fitLine([1, 2, 4].map((x) => ({ x, y: x ** 4 }))).fit).toBeLessThan(0.97);
});

test.each([1, 1.5, 2])('exponent %d is found again beneath a fixed cost', (power) => {
  const cost = (n: number): number => 0.3 + 0.7 * n ** power;
  expect(exponent([cost(1), cost(2), cost(4)], 0.05)).toBeCloseTo(power);
});

test('nothing is said about a cost that does not grow', () => {
  expect(exponent([1, 1.01, 0.99], 0.05)).toBeUndefined();
});
