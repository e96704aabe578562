import type { DeviceId, ObjectName, SnapshotRecord, StreamId } from '@keephold/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type KeepFirstPolicy, keepFirst } from './keep-first.ts';

const day = 86_400_000;
const monday = Date.UTC(2026, 5, 1);
const policy: KeepFirstPolicy = { windowDays: 30, dailyDays: 90, weeklyWeeks: 52, monthlyMonths: 24 };
const onlyWindow = { ...policy, dailyDays: 0, weeklyWeeks: 0, monthlyMonths: 0 };

interface Sketch {
  readonly at: number;
  readonly kind?: 'complete' | 'checkpoint';
  readonly stream?: number;
  readonly state?: SnapshotRecord['state'];
}

function records(...sketches: Sketch[]): SnapshotRecord[] {
  return sketches.map(({ at, kind = 'complete', stream = 1, state = 'active' }, index) => ({
    seq: index + 1,
    kind,
    state,
    deviceId: new Uint8Array(16).fill(9) as DeviceId,
    streamId: new Uint8Array(16).fill(stream) as StreamId,
    object: new Uint8Array(32) as ObjectName,
    receivedAt: at,
    expiresAt: undefined,
  }));
}

const rulesOf = (all: SnapshotRecord[], now: number, rules = policy) => {
  return keepFirst(all, rules, now).map(({ reasons }) => reasons.map(({ rule }) => rule));
};
const kept = (all: SnapshotRecord[], now: number, rules = policy) => {
  return keepFirst(all, rules, now)
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ record }) => record.seq);
};

describe('rule A', () => {
  test('the newest of each stream stays for ever', () => {
    const all = records({ at: monday, stream: 1 }, { at: monday, stream: 2 });
    expect(rulesOf(all, monday + 9999 * day, onlyWindow)).toEqual([['newest'], ['newest']]);
  });

  test('a superseded one stays for the window after what superseded it', () => {
    const all = records({ at: monday }, { at: monday + 100 * day });
    expect(kept(all, monday + 129.9 * day, onlyWindow)).toEqual([1, 2]);
    expect(kept(all, monday + 130 * day, onlyWindow)).toEqual([2]);
  });

  test('a checkpoint supersedes nothing', () => {
    const all = records({ at: monday }, { at: monday + day, kind: 'checkpoint' });
    expect(rulesOf(all, monday + 999 * day, onlyWindow)).toEqual([['newest'], ['newest']]);
  });
});

describe('rule B', () => {
  test('keeps the first of a day, a week and a month, not the last', () => {
    const all = records({ at: monday + 1 }, { at: monday + 2 }, { at: monday + day }, { at: monday + 40 * day });
    expect(rulesOf(all, monday + 60 * day).slice(0, 3)).toEqual([
      ['first-of-day', 'first-of-week', 'first-of-month'],
      [],
      ['window', 'first-of-day'],
    ]);
    expect(rulesOf(all, monday + 99 * day).slice(0, 3)).toEqual([['first-of-week', 'first-of-month'], [], []]);
  });

  test('weeks begin on Monday, UTC', () => {
    const all = records({ at: monday - 1 }, { at: monday }, { at: monday + 6 * day }, { at: monday + 7 * day });
    const weekly = { ...policy, windowDays: 0, dailyDays: 0, monthlyMonths: 0 };
    expect(kept(all, monday + 8 * day, weekly)).toEqual([1, 2, 4]);
  });

  test('months end on the same day, or on the last one', () => {
    const all = records({ at: Date.UTC(2026, 0, 31) }, { at: Date.UTC(2026, 1, 1) }, { at: Date.UTC(2026, 1, 2) });
    const monthly = { windowDays: 0, dailyDays: 0, weeklyWeeks: 0, monthlyMonths: 1 };
    const [first] = keepFirst(all, monthly, Date.UTC(2026, 1, 27));
    expect(first?.reasons).toEqual([{ rule: 'first-of-month', until: Date.UTC(2026, 1, 28) }]);
    expect(kept(all, Date.UTC(2026, 1, 28), monthly)).toEqual([2, 3]);
  });

  test('checkpoints and what is forgotten already hold no bucket', () => {
    const all = records({ at: monday, kind: 'checkpoint' }, { at: monday + 1, state: 'trashed' }, { at: monday + 2 });
    expect(keepFirst(all, policy, monday + 3).map(({ record }) => record.seq)).toEqual([1, 3]);
    expect(rulesOf(all, monday + 3)[1]).toContain('first-of-day');
  });
});

test('nothing that comes later ends a hold of rule B, and the newest of a stream at T stays for the window', () => {
  const sketch = fc.record({
    gap: fc.integer({ min: 0, max: 20 * day }),
    kind: fc.constantFrom('complete' as const, 'checkpoint' as const),
    stream: fc.constantFrom(1, 2),
  });
  const history = fc.array(sketch, { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(history, history, fc.integer({ min: 0, max: 500 * day }), (before, after, wait) => {
      let at = monday;
      const all = records(...[...before, ...after].map(({ gap, ...rest }) => ({ ...rest, at: (at += gap) })));
      const early = all.slice(0, before.length);
      const now = at + wait;
      const heldBy = (from: SnapshotRecord[]) =>
        new Map(
          keepFirst(from, policy, now).map(({ record, reasons }) => [
            record.seq,
            reasons.filter(({ rule }) => rule.startsWith('first')),
          ]),
        );
      const alone = heldBy(early);
      const flooded = heldBy(all);
      for (const record of early) expect(flooded.get(record.seq)).toEqual(alone.get(record.seq));
      const lastEarly = early.at(-1) as SnapshotRecord;
      const stays = kept(all, lastEarly.receivedAt + policy.windowDays * day - 1);
      for (const stream of [1, 2]) {
        const newest = early.findLast((record) => record.kind === 'complete' && record.streamId[0] === stream);
        if (newest !== undefined) expect(stays).toContain(newest.seq);
      }
    }),
  );
});
