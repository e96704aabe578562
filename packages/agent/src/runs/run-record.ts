/** How a run of a plan went. */
import type { Moment } from '../timing/moment.ts';

export const runOutcomes = ['complete', 'partial', 'stopped', 'failed'] as const;
/**
 * - `complete`: a snapshot of everything
 * - `partial`: a snapshot, without what could not be read
 * - `stopped`: ended early on purpose or by the machine's end; what it stored is a checkpoint
 * - `failed`: it could not go on
 */
export type RunOutcome = (typeof runOutcomes)[number];

export interface RunRecord {
  readonly began: Moment;
  readonly ended: Moment;
  /** Of the plan as it was then. */
  readonly mark: string;
  readonly outcome: RunOutcome;
  /** Of the process that ran it. */
  readonly pid: number;
  /** Why it failed or stopped: a stable code, and a sentence. */
  readonly code?: string;
  readonly message?: string;
  /** The number of its snapshot or checkpoint. */
  readonly snapshot?: number;
  /** Its id, as hexadecimal digits. */
  readonly snapshotId?: string;
  /** Folders that it looked into, when it was told what changed. */
  readonly listed?: number;
  readonly files?: number;
  readonly bytes?: number;
  readonly bytesStored?: number;
  readonly unreadable?: number;
}

/** Runs by plan, oldest first. */
export type RunBook = ReadonlyMap<string, readonly RunRecord[]>;

/** Six weeks of a daily plan that fails now and then. */
const MAX_RUNS = 60;

export function isGood({ outcome }: { readonly outcome: string }): boolean {
  return outcome === 'complete' || outcome === 'partial';
}

/** The book with one more run, as far as it is kept: the newest, and the newest good one however old it is. */
export function withRun(book: RunBook, plan: string, record: RunRecord): RunBook {
  const runs = [...(book.get(plan) ?? []), record];
  const kept = runs.slice(-MAX_RUNS);
  const good = runs.findLast(isGood);
  return new Map([...book, [plan, good === undefined || kept.includes(good) ? kept : [good, ...kept.slice(1)]]]);
}
