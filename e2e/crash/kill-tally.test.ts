import { expect, test } from 'vitest';
import { KillTally } from './kill-tally.ts';

test('runs that were done by themselves are no kills', () => {
  const tally = new KillTally();
  for (const phase of ['before the first change', 'in between', 'after the commit', 'after its end'] as const)
    tally.add(phase);
  expect(tally.killed).toBe(3);
  expect(tally.describe()).toBe(
    '3 kills: 1 before the first change, 1 in between, 1 after the commit, 1 after its end',
  );
});

test('bytes beyond those of an undisturbed run were stored twice; fewer are no gain', () => {
  const tally = new KillTally();
  tally.add('in between');
  tally.compare({ undisturbed: 100, before: 40, again: 75 });
  tally.compare({ undisturbed: 100, before: 0, again: 90 });
  const text = tally.describe();
  expect(text).toContain('undisturbed 200 bytes, stored before the kill 40');
  expect(text).toContain('by the next run 165');
  expect(text).toContain('twice 15, at most 15 after one kill');
});
