/** Whether a plan is due: its goal says so, never a calendar. */
import { isGood, type RunRecord } from '../runs/run-record.ts';
import type { Goal } from './goal.ts';
import { elapsed, type Moment } from './moment.ts';

/** A run begins at this share of the goal, so that waiting for the right moment does not end in an overdue one. */
const BEGINS_AT = 0.75;
/** What a machine without a clock of its own needs after a start to ask for the time. */
const CLOCK_SETTLES = 15 * 60_000;

export interface Dueness {
  /** Of the newest good backup, since it began; undefined when there is none, or nobody knows. */
  readonly ageMs: number | undefined;
  /** Until it is due; zero when it is. */
  readonly inMs: number;
  readonly isOverdue: boolean;
  /** The clock says the newest backup lies in the future: for so long it may still be set right. */
  readonly unsureForMs: number;
}

export function dueness(goal: Goal, runs: readonly RunRecord[], now: Moment): Dueness {
  const last = runs.findLast(isGood);
  if (last === undefined) return { ageMs: undefined, inMs: 0, isOverdue: false, unsureForMs: 0 };
  const ageMs = elapsed(last.began, now);
  if (ageMs === undefined) {
    const unsureForMs = Math.max(0, Math.min(CLOCK_SETTLES, goal / 4) - now.uptime);
    return { ageMs, inMs: 0, isOverdue: false, unsureForMs };
  }
  return { ageMs, inMs: Math.max(0, goal * BEGINS_AT - ageMs), isOverdue: ageMs >= goal, unsureForMs: 0 };
}

const SHORTEST_WAIT = 60_000;
const LONGEST_WAIT = 3_600_000;

/**
 * How long to wait after runs that did not end well: a minute, then twice as long after each that failed, an hour at
 * most and never more than a quarter of the goal. A stopped run costs a minute, so that a condition that comes and goes
 * does not start one after the other.
 */
export function waitAfterRuns(goal: Goal, runs: readonly RunRecord[], now: Moment): number {
  const last = runs.at(-1);
  if (last === undefined || isGood(last)) return 0;
  const since = runs.slice(runs.findLastIndex(isGood) + 1);
  const failures = since.filter(({ outcome }) => outcome === 'failed').length;
  const doubled = last.outcome === 'failed' ? SHORTEST_WAIT * 2 ** Math.min(failures - 1, 10) : SHORTEST_WAIT;
  const wait = Math.min(doubled, LONGEST_WAIT, goal / 4);
  const passed = elapsed(last.ended, now);
  return passed === undefined ? 0 : Math.max(0, wait - passed);
}
