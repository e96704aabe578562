/**
 * Which snapshots the keep-first rules still need (security.md §6.2). Buckets are per device and stream, by the ledger's
 * receive time in UTC; only complete snapshots count, so nothing that happens later can take a bucket from an earlier one.
 *
 * Rule A: a snapshot stays until `windowDays` after a newer complete one of its stream came; the newest stays.
 * Rule B: the first of each day, week (from Monday) and month stays for so many days, weeks, months.
 */
import type { SnapshotRecord } from '@keephold/protocol';

export interface KeepFirstPolicy {
  readonly windowDays: number;
  readonly dailyDays: number;
  readonly weeklyWeeks: number;
  readonly monthlyMonths: number;
}

export type KeepReason =
  | { readonly rule: 'newest' }
  | { readonly rule: 'window' | 'first-of-day' | 'first-of-week' | 'first-of-month'; readonly until: number };

export interface Decision {
  readonly record: SnapshotRecord;
  /** Why it stays; empty: no rule needs it. Times are unix milliseconds. */
  readonly reasons: readonly KeepReason[];
}

const day = 86_400_000;

/** Decides for every active snapshot; in the order given. `now` in unix milliseconds. */
export function keepFirst(records: readonly SnapshotRecord[], policy: KeepFirstPolicy, now: number): readonly Decision[] {
  const active = records.filter((record) => record.state === 'active');
  const reasons = new Map<SnapshotRecord, KeepReason[]>(active.map((record) => [record, []]));
  for (const stream of streamsOf(active)) {
    for (const [record, reason] of [...ruleA(stream, policy, now), ...ruleB(stream, policy, now)]) {
      reasons.get(record)?.push(reason);
    }
  }
  return active.map((record) => ({ record, reasons: reasons.get(record) ?? [] }));
}

/** Per device and stream, in order of seq. */
function streamsOf(records: readonly SnapshotRecord[]): SnapshotRecord[][] {
  const streams = Map.groupBy(records, ({ deviceId, streamId }) => `${deviceId.join()}/${streamId.join()}`);
  return [...streams.values()].map((stream) => stream.toSorted((a, b) => a.seq - b.seq));
}

type Hold = readonly [record: SnapshotRecord, reason: KeepReason];

function* ruleA(stream: readonly SnapshotRecord[], { windowDays }: KeepFirstPolicy, now: number): Generator<Hold> {
  let superseded: SnapshotRecord | undefined;
  for (const record of stream.toReversed()) {
    if (superseded === undefined) yield [record, { rule: 'newest' }];
    else {
      const until = superseded.receivedAt + windowDays * day;
      if (until > now) yield [record, { rule: 'window', until }];
    }
    // The next newer complete one is what supersedes; a checkpoint never does.
    if (record.kind === 'complete') superseded = record;
  }
}

function* ruleB(stream: readonly SnapshotRecord[], policy: KeepFirstPolicy, now: number): Generator<Hold> {
  const taken = new Set<string>();
  for (const record of stream) {
    if (record.kind !== 'complete') continue;
    for (const bucket of bucketsOf(record.receivedAt, policy)) {
      if (taken.has(bucket.name)) continue;
      taken.add(bucket.name);
      if (bucket.until > now) yield [record, { rule: bucket.rule, until: bucket.until }];
    }
  }
}

interface Bucket {
  readonly rule: 'first-of-day' | 'first-of-week' | 'first-of-month';
  readonly name: string;
  readonly until: number;
}

function bucketsOf(time: number, policy: KeepFirstPolicy): Bucket[] {
  const date = new Date(time);
  const dayNumber = Math.floor(time / day);
  // 1 January 1970 was a Thursday: three days after a Monday.
  const weekNumber = Math.floor((dayNumber + 3) / 7);
  const monthNumber = date.getUTCFullYear() * 12 + date.getUTCMonth();
  return [
    { rule: 'first-of-day', name: `day ${dayNumber}`, until: time + policy.dailyDays * day },
    { rule: 'first-of-week', name: `week ${weekNumber}`, until: time + policy.weeklyWeeks * 7 * day },
    { rule: 'first-of-month', name: `month ${monthNumber}`, until: monthsLater(date, policy.monthlyMonths) },
  ];
}

/** The same day and time so many months later, or the month's last day where it has no such day. */
function monthsLater(date: Date, months: number): number {
  const later = new Date(date);
  later.setUTCDate(1);
  later.setUTCMonth(later.getUTCMonth() + months);
  const lastDay = new Date(Date.UTC(later.getUTCFullYear(), later.getUTCMonth() + 1, 0)).getUTCDate();
  later.setUTCDate(Math.min(date.getUTCDate(), lastDay));
  return later.getTime();
}
