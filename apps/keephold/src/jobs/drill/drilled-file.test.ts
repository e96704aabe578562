import type { Opening } from '@keephold/drill';
import { describe, expect, test } from 'vitest';
import type { FileComparison } from './compare-file.ts';
import { judgeFailure, judgeFile } from './drilled-file.ts';
import type { LiveState } from './live-file.ts';

const broken: Opening = { kind: 'broken', format: 'png', reason: 'it is cut short' };
const whole: Opening = { kind: 'opened', format: 'png', did: 'decoded it', toTheEnd: true };
const compared = (live: LiveState, wish: Partial<FileComparison> = {}): FileComparison => ({
  indexDiffersAt: undefined,
  liveDiffersAt: undefined,
  live,
  ...wish,
});

describe('what a drill says of a file', () => {
  test.each<[LiveState, Opening | undefined, string]>([
    ['same', whole, 'good'],
    ['gone', whole, 'good'],
    ['changed', undefined, 'good'],
    ['young', whole, 'good'],
    ['same', { kind: 'unknown' }, 'good'],
    ['same', { kind: 'undecided', format: 'sqlite', reason: 'x' }, 'good'],
    ['same', broken, 'already-broken'],
    ['changed', broken, 'unopenable'],
    ['gone', broken, 'unopenable'],
    ['young', broken, 'unopenable'],
    ['unreadable', broken, 'unopenable'],
    ['copied', broken, 'unopenable'],
    ['copied', whole, 'good'],
    ['differs', whole, 'differs'],
    ['differs', broken, 'differs'],
  ])('%s here', (live, opening, outcome) => {
    expect(judgeFile(compared(live), opening, []).outcome).toBe(outcome);
  });

  test('what is not as the index says is damaged, whatever else is known', () => {
    const verdict = judgeFile(compared('same', { indexDiffersAt: 4096 }), whole, []);
    expect(verdict).toEqual({
      outcome: 'damaged',
      reason: 'what came back is not what the index says, from byte 4096',
    });
  });

  test('a database whose log has changed since is not known to have been broken', () => {
    expect(judgeFile(compared('same'), broken, [compared('same')]).outcome).toBe('already-broken');
    expect(judgeFile(compared('same'), broken, [compared('changed')]).outcome).toBe('unopenable');
  });

  test('a failure of this computer is none of the backup', () => {
    expect(judgeFailure({ code: 'damaged', reason: 'pack 12' })).toEqual({ outcome: 'damaged', reason: 'pack 12' });
    expect(judgeFailure({ code: undefined, reason: 'refused' }).outcome).toBe('damaged');
    for (const code of ['ENAMETOOLONG', 'EIO', 'E2BIG'])
      expect(judgeFailure({ code, reason: 'x' }).outcome).toBe('not-restored');
  });
});
