import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HistoryError } from '../errors.ts';
import { pathMark } from '../sampling/draw-key.ts';
import type { DrillRun } from './drill-run.ts';
import { drilledBefore } from './drilled-before.ts';
import { decodeHistory, encodeHistory, MAX_REMEMBERED, MAX_RUNS, withRun } from './history-codec.ts';
import { drillTrend } from './trend.ts';

const DAY = 86_400_000;

function run(wish: Partial<DrillRun> = {}): DrillRun {
  return {
    at: 1_790_000_000_000,
    seed: 7,
    snapshots: [1, 12],
    result: 'good',
    files: 3,
    bytes: 5_000_000,
    firstFileMs: 200.5,
    restoreMs: 1000,
    counts: { good: 3, 'opened-png': 1 },
    problems: [{ outcome: 'unopenable', path: '/a/b', reason: 'because' }],
    drilled: pathMark(Buffer.from('a')),
    ...wish,
  };
}

const text = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

describe('the history', () => {
  test('is read back as it was written', () => {
    const runs = [run(), run({ firstFileMs: undefined, result: 'interrupted', problems: [], drilled: '' })];
    expect(decodeHistory(encodeHistory(runs))).toEqual(runs);
    expect(decodeHistory(encodeHistory([]))).toEqual([]);
  });

  test.each<[string, Uint8Array]>([
    ['cut', encodeHistory([run()]).slice(0, -5)],
    ['empty', new Uint8Array()],
    ['no object', text([])],
    ['of no version', text({ runs: [] })],
    ['without runs', text({ version: 1 })],
    ['a result that is none', text({ version: 1, runs: [{ ...run(), result: 'splendid' }] })],
    ['a time that is none', text({ version: 1, runs: [{ ...run(), at: 'today' }] })],
    ['marks that are none', text({ version: 1, runs: [{ ...run(), drilled: 'abc' }] })],
    ['a negative count', text({ version: 1, runs: [{ ...run(), counts: { good: -1 } }] })],
    [
      'a path of megabytes',
      text({ version: 1, runs: [{ ...run(), problems: [{ outcome: 'x', path: 'y'.repeat(2e6), reason: '' }] }] }),
    ],
    ['too many runs', text({ version: 1, runs: Array.from({ length: MAX_RUNS + 1 }, () => run()) })],
  ])('is refused when it is %s', (_name, bytes) => {
    expect(() => decodeHistory(bytes)).toThrow(expect.objectContaining({ code: 'history-damaged' }));
  });

  test('of a later version is told apart', () => {
    expect(() => decodeHistory(text({ version: 2, runs: 'anything' }))).toThrow(
      expect.objectContaining({ code: 'history-newer' }),
    );
  });

  test('is read or refused, whatever its bytes are', () => {
    const valid = encodeHistory([run(), run()]);
    fc.assert(
      fc.property(fc.nat(valid.length - 1), fc.nat(255), (at, value) => {
        try {
          decodeHistory(valid.with(at, value));
        } catch (error) {
          expect(error).toBeInstanceOf(HistoryError);
        }
      }),
    );
  });

  test('keeps so many runs, and the files of the newest', () => {
    let runs: readonly DrillRun[] = [];
    for (let i = 0; i < MAX_RUNS + 5; i++) runs = withRun(runs, run({ seed: i }));
    expect(runs.length).toBe(MAX_RUNS);
    expect(runs.at(-1)?.seed).toBe(MAX_RUNS + 4);
    expect(runs.filter(({ drilled }) => drilled !== '').length).toBe(MAX_REMEMBERED);
  });
});

describe('what was drilled before', () => {
  const a = Buffer.from('a');
  const b = Buffer.from('b');
  const runs = [run({ seed: 1, drilled: pathMark(a) }), run({ seed: 2, drilled: pathMark(b) })];

  test('is known from all runs', () => {
    const wasDrilled = drilledBefore(runs, 3);
    expect([a, b, Buffer.from('c')].map(wasDrilled)).toEqual([true, true, false]);
  });

  test('is what it was before the run that is repeated', () => {
    expect([a, b].map(drilledBefore(runs, 2))).toEqual([true, false]);
    expect([a, b].map(drilledBefore(runs, 1))).toEqual([false, false]);
  });
});

describe('the trend', () => {
  const at = (day: number, wish: Partial<DrillRun> = {}): DrillRun => run({ at: day * DAY, ...wish });

  test('says when a drill was last good', () => {
    const runs = [at(1), at(2), at(3, { result: 'damaged' })];
    expect(drillTrend(runs, 12 * DAY)).toMatchObject({ runs: 3, lastGoodAt: 2 * DAY, daysSinceGood: 10 });
    expect(drillTrend([], 0)).toMatchObject({
      runs: 0,
      lastGoodAt: undefined,
      daysSinceGood: undefined,
      rate: undefined,
    });
  });

  test('says that restoring became slower, once there is enough to compare', () => {
    const slow = at(9, { restoreMs: 2500, firstFileMs: 900 });
    expect(drillTrend([at(1), at(2), slow], 0).rate).toBeUndefined();
    const { rate, firstFile } = drillTrend([at(1), at(2), at(3), slow], 0);
    expect(rate).toEqual({ last: 2_000_000, usual: 5_000_000, isWorse: true });
    expect(firstFile).toEqual({ last: 900, usual: 200.5, isWorse: true });
    expect(drillTrend([at(1), at(2), at(3), at(4, { restoreMs: 1900 })], 0).rate?.isWorse).toBe(false);
  });

  test('leaves out runs that say nothing about speed', () => {
    const cut = at(5, { result: 'interrupted', restoreMs: 99_000 });
    const nothing = at(6, { bytes: 400, restoreMs: 900 });
    expect(drillTrend([at(1), at(2), at(3), at(4), cut, nothing], 0).rate).toEqual({
      last: 5_000_000,
      usual: 5_000_000,
      isWorse: false,
    });
  });
});
