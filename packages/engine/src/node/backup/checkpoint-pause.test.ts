import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkpointPause } from './checkpoint-pause.ts';

const MINUTE = 60_000;

test('of what a run did, a kill costs half a minute, a tenth, or what was allowed, whichever bound is in force', () => {
  fc.assert(
    fc.property(fc.nat(100 * 60 * MINUTE), fc.integer({ min: MINUTE, max: 10 * MINUTE }), (elapsed, atMost) => {
      const pause = checkpointPause(elapsed, atMost);
      expect(pause).toBeLessThanOrEqual(atMost);
      expect(pause).toBeLessThanOrEqual(Math.max(MINUTE / 2, elapsed / 10));
      expect(pause).toBeGreaterThanOrEqual(Math.min(MINUTE / 2, atMost));
    }),
  );
});

test('a day has no more than a few hundred checkpoints, the first hour no more than about forty', () => {
  const count = (until: number): number => {
    let checkpoints = 0;
    for (let at = 0; at < until; checkpoints++) at += checkpointPause(at, 5 * MINUTE);
    return checkpoints;
  };
  expect(count(60 * MINUTE)).toBeLessThanOrEqual(45);
  expect(count(24 * 60 * MINUTE)).toBeLessThanOrEqual(330);
});

test('who asks for more checkpoints gets them', () => {
  expect(checkpointPause(10 * MINUTE, 50)).toBe(50);
  expect(checkpointPause(0, 0)).toBe(0);
});
