/**
 * Which snapshots a policy keeps (security.md §6.2). The first of a bucket is kept, never the last: what comes later
 * cannot push out what was there, so an intruder who floods a stream removes nothing. Pure; times are those of the
 * ledger, days, weeks (from Monday) and months those of UTC, so that every keeper decides alike.
 *
 * - Rule A: a snapshot stays until W after a newer complete one of its stream superseded it; the newest stays.
 * - Rule B: the first complete snapshot of a day, week or month stays so long, per device and stream.
 * - Checkpoints fall under rule A only and take no bucket.
 */
import { toHex } from '@keephold/bytes';
import type { SnapshotRecord, VaultPolicy } from '@keephold/protocol';
import { DAY } from '../pack-state.ts';

export type KeepRule = 'newest' | 'window' | 'first-of-day' | 'first-of-week' | 'first-of-month';

export interface KeepReason {
  readonly rule: KeepRule;
  /** Unix milliseconds; Infinity: no end in sight. */
  readonly until: number;
}

export interface KeepDecision {
  readonly seq: number;
  readonly keep: boolean;
  /** All that hold now, the longest first; empty when it may go. */
  readonly reasons: readonly KeepReason[];
  /** When the last reason ends, or ended. */
  readonly until: number;
}

export type KeepCandidate = Pick<SnapshotRecord, 'seq' | 'kind' | 'deviceId' | 'streamId' | 'receivedAt'>;

/**
 * One decision a snapshot, in the order given. Pass all snapshots of the vault that are not expired, those in the trash
 * included: they were the first of their buckets.
 */
export function keepFirst(
  snapshots: readonly KeepCandidate[],
  policy: VaultPolicy,
  now: number,
): readonly KeepDecision[] {
  const reasons = new Map<number, readonly KeepReason[]>();
  for (const stream of streamsOf(snapshots)) {
    for (const [seq, all] of reasonsInStream(stream, policy)) reasons.set(seq, all);
  }
  return snapshots.map(({ seq }) => decide(seq, reasons.get(seq) ?? [], now));
}

function decide(seq: number, all: readonly KeepReason[], now: number): KeepDecision {
  const sorted = [...all].sort((a, b) => (a.until === b.until ? 0 : b.until - a.until));
  const holding = sorted.filter(({ until }) => until > now);
  return { seq, keep: holding.length > 0, reasons: holding, until: sorted[0]?.until ?? Number.NEGATIVE_INFINITY };
}

/** Per device and stream, in the order of the chain. */
function streamsOf(snapshots: readonly KeepCandidate[]): Iterable<readonly KeepCandidate[]> {
  const streams = new Map<string, KeepCandidate[]>();
  for (const snapshot of [...snapshots].sort((a, b) => a.seq - b.seq)) {
    const key = `${toHex(snapshot.deviceId)}/${toHex(snapshot.streamId)}`;
    const stream = streams.get(key);
    if (stream === undefined) streams.set(key, [snapshot]);
    else stream.push(snapshot);
  }
  return streams.values();
}

function reasonsInStream(
  stream: readonly KeepCandidate[],
  policy: VaultPolicy,
): ReadonlyMap<number, readonly KeepReason[]> {
  const reasons = new Map<number, KeepReason[]>();
  let supersededAt: number | undefined;
  for (const snapshot of stream.toReversed()) {
    reasons.set(snapshot.seq, [ruleA(supersededAt, policy)]);
    if (snapshot.kind === 'complete') supersededAt = snapshot.receivedAt;
  }
  for (const bucket of bucketsOf(policy)) {
    let last: number | undefined;
    for (const { seq, kind, receivedAt } of stream) {
      if (kind !== 'complete') continue;
      const number = bucket.numberOf(receivedAt);
      if (number !== last) reasons.get(seq)?.push({ rule: bucket.rule, until: bucket.endOf(receivedAt) });
      last = number;
    }
  }
  return reasons;
}

function ruleA(supersededAt: number | undefined, { windowDays }: VaultPolicy): KeepReason {
  if (supersededAt === undefined) return { rule: 'newest', until: Number.POSITIVE_INFINITY };
  return { rule: 'window', until: supersededAt + windowDays * DAY };
}

interface Bucket {
  readonly rule: KeepRule;
  /** Which bucket a time falls into; never falls as time goes on. */
  readonly numberOf: (time: number) => number;
  readonly endOf: (time: number) => number;
}

function bucketsOf({ dailyDays, weeklyWeeks, monthlyMonths }: VaultPolicy): readonly Bucket[] {
  return [
    { rule: 'first-of-day', numberOf: dayOf, endOf: (time) => time + dailyDays * DAY },
    // Day 0 of unix time was a Thursday.
    {
      rule: 'first-of-week',
      numberOf: (time) => Math.floor((dayOf(time) + 3) / 7),
      endOf: (time) => time + weeklyWeeks * 7 * DAY,
    },
    { rule: 'first-of-month', numberOf: monthOf, endOf: (time) => addMonths(time, monthlyMonths) },
  ];
}

function dayOf(time: number): number {
  return Math.floor(time / DAY);
}

function monthOf(time: number): number {
  const date = new Date(time);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** The same day and hour `months` later; the last day of a shorter month. */
function addMonths(time: number, months: number): number {
  const date = new Date(time);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return date.setUTCDate(Math.min(day, lastDay));
}
