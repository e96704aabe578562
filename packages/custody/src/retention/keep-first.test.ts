import { asDeviceId, asStreamId, type SnapshotRecord, type VaultPolicy } from '@keephold/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY } from '../pack-state.ts';
import { type KeepCandidate, keepFirst } from './keep-first.ts';

const POLICY: VaultPolicy = { windowDays: 30, trashDays: 30, dailyDays: 90, weeklyWeeks: 52, monthlyMonths: 12 };
/** Monday, 5 January 2026, 00:00 UTC. */
const MONDAY = Date.UTC(2026, 0, 5);

function snapshot(
  seq: number,
  receivedAt: number,
  more: { kind?: SnapshotRecord['kind']; stream?: number } = {},
): KeepCandidate {
  return {
    seq,
    receivedAt,
    kind: more.kind ?? 'complete',
    deviceId: asDeviceId(new Uint8Array(16).fill(1)),
    streamId: asStreamId(new Uint8Array(16).fill(more.stream ?? 1)),
  };
}

function rules(snapshots: readonly KeepCandidate[], now: number): readonly string[] {
  return keepFirst(snapshots, POLICY, now).map(
    ({ seq, reasons }) => `${seq}: ${reasons.map(({ rule }) => rule).join(' ')}`,
  );
}

describe('keepFirst', () => {
  it('keeps the first of a day, week and month, and the newest', () => {
    const snapshots = [
      snapshot(1, MONDAY + 3_600_000),
      snapshot(2, MONDAY + 7_200_000),
      snapshot(3, MONDAY + DAY),
      snapshot(4, MONDAY + 7 * DAY),
      snapshot(5, MONDAY + 7 * DAY + 1),
    ];
    expect(rules(snapshots, MONDAY + 60 * DAY)).toEqual([
      '1: first-of-month first-of-week first-of-day',
      '2: ',
      '3: first-of-day',
      '4: first-of-week first-of-day',
      '5: newest',
    ]);
  });

  it('gives a superseded snapshot the window, counted from when it was superseded', () => {
    const snapshots = [snapshot(1, MONDAY), snapshot(2, MONDAY + 1), snapshot(3, MONDAY + 100 * DAY)];
    const [, second] = keepFirst(snapshots, POLICY, MONDAY + 129 * DAY);
    expect(second).toMatchObject({ keep: true, until: MONDAY + 130 * DAY, reasons: [{ rule: 'window' }] });
    expect(keepFirst(snapshots, POLICY, MONDAY + 130 * DAY)[1]).toMatchObject({ keep: false, reasons: [] });
  });

  it('counts months by the calendar', () => {
    const january = Date.UTC(2027, 0, 31, 12);
    const [first] = keepFirst([snapshot(1, january)], { ...POLICY, monthlyMonths: 1 }, january);
    expect(first?.reasons).toContainEqual({ rule: 'first-of-month', until: Date.UTC(2027, 1, 28, 12) });
  });

  it('lets checkpoints go after the window and take no bucket', () => {
    const snapshots = [snapshot(1, MONDAY, { kind: 'checkpoint' }), snapshot(2, MONDAY + 1), snapshot(3, MONDAY + 2)];
    expect(rules(snapshots, MONDAY + 3)).toEqual([
      '1: window',
      '2: first-of-month first-of-week first-of-day window',
      '3: newest',
    ]);
    expect(rules(snapshots, MONDAY + 31 * DAY)[0]).toBe('1: ');
  });

  const candidates = fc
    .array(
      fc.record({
        gap: fc.integer({ min: 0, max: 40 * DAY }),
        kind: fc.constantFrom<SnapshotRecord['kind']>('complete', 'complete', 'checkpoint'),
        stream: fc.integer({ min: 1, max: 3 }),
      }),
      { maxLength: 40 },
    )
    .map((steps) => {
      let time = MONDAY;
      return steps.map(({ gap, kind, stream }, index) => {
        time += gap;
        return snapshot(index + 1, time, { kind, stream });
      });
    });

  it('nothing that comes after T shortens what holds at T, except that the newest gets at least W more', () => {
    fc.assert(
      fc.property(candidates, fc.nat({ max: 40 }), (all, cut) => {
        const before = all.slice(0, cut);
        const at = before.at(-1)?.receivedAt ?? MONDAY;
        const then = keepFirst(before, POLICY, at);
        const later = new Map(keepFirst(all, POLICY, at).map((decision) => [decision.seq, decision]));
        for (const { seq, until, reasons } of then) {
          const now = later.get(seq);
          const promised = until === Number.POSITIVE_INFINITY ? at + POLICY.windowDays * DAY : until;
          expect(now?.until).toBeGreaterThanOrEqual(promised);
          for (const reason of reasons) if (reason.rule !== 'newest') expect(now?.reasons).toContainEqual(reason);
        }
      }),
    );
  });

  it('decides each stream as if it were alone, and complete snapshots as if there were no checkpoints', () => {
    fc.assert(
      fc.property(candidates, (all) => {
        const now = (all.at(-1)?.receivedAt ?? MONDAY) + 20 * DAY;
        const together = new Map(keepFirst(all, POLICY, now).map((decision) => [decision.seq, decision]));
        for (const stream of [1, 2, 3]) {
          const alone = all.filter(({ streamId, kind }) => streamId[0] === stream && kind === 'complete');
          for (const decision of keepFirst(alone, POLICY, now)) expect(together.get(decision.seq)).toEqual(decision);
        }
      }),
    );
  });
});
