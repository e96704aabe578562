/** What is to be done with a plan now, and if nothing, why. Pure: the same circumstances give the same answer. */
import type { Blocker } from '@keephold/conditions';
import { type Pause, pauseOfPlan } from './pauses.ts';
import type { RunRecord } from './runs/run-record.ts';
import { type Dueness, dueness, waitAfterRuns } from './timing/due.ts';
import type { Goal } from './timing/goal.ts';
import type { Moment } from './timing/moment.ts';

export interface Reason {
  /** Those of blockers, or `paused`, `clock`, `failed`, `stopped`, `other-plan`, `no-agent`. */
  readonly code: string;
  /** A clause: "on battery, at 23 %". */
  readonly message: string;
  /** When it ends by itself, unix milliseconds, if that is known. */
  readonly until?: number;
}

export interface Circumstances {
  readonly plan: string;
  readonly goal: Goal;
  readonly runs: readonly RunRecord[];
  readonly pauses: readonly Pause[];
  readonly blockers: readonly Blocker[];
  /** The plan that runs, if another one does. */
  readonly running: string | undefined;
  /** When it was first told of after its newest good backup, as far as anybody remembers. */
  readonly knownSince?: Moment | undefined;
  readonly now: Moment;
}

export type Decision = { readonly due: Dueness } & (
  | { readonly kind: 'idle' }
  /** Due, and held back. */
  | { readonly kind: 'wait'; readonly why: Reason }
  | { readonly kind: 'run' }
);

export function decide(circumstances: Circumstances): Decision {
  const { goal, runs, now } = circumstances;
  const due = dueness(goal, runs, now);
  if (due.inMs > 0) return { kind: 'idle', due };
  const why =
    pauseReason(circumstances) ??
    clockReason(due, now) ??
    runsReason(circumstances) ??
    blockersReason(circumstances.blockers) ??
    otherReason(circumstances);
  return why === undefined ? { kind: 'run', due } : { kind: 'wait', due, why };
}

export function pauseReason({ pauses, plan, now }: Pick<Circumstances, 'pauses' | 'plan' | 'now'>): Reason | undefined {
  const held = pauseOfPlan(pauses, plan, now);
  if (held === undefined) return undefined;
  return { code: 'paused', message: 'paused', ...(Number.isFinite(held.forMs) && { until: now.wall + held.forMs }) };
}

export function blockersReason(blockers: readonly Blocker[]): Reason | undefined {
  const [first, ...others] = blockers;
  if (first === undefined) return undefined;
  const message = blockers.map((blocker) => blocker.message).join('; ');
  // With several in the way, the end of one tells nothing.
  const until = others.length === 0 ? first.until?.getTime() : undefined;
  return { code: first.code, message, ...(until !== undefined && { until }) };
}

function clockReason({ unsureForMs }: Dueness, now: Moment): Reason | undefined {
  if (unsureForMs <= 0) return undefined;
  const message = 'by the clock the last backup lies in the future, so the clock may be set soon';
  return { code: 'clock', message, until: now.wall + unsureForMs };
}

function runsReason({ goal, runs, now }: Circumstances): Reason | undefined {
  const wait = waitAfterRuns(goal, runs, now);
  const last = runs.at(-1);
  if (wait <= 0 || last === undefined) return undefined;
  const until = now.wall + wait;
  if (last.outcome === 'failed')
    return { code: 'failed', message: `the last run failed: ${last.message ?? 'it did not say why'}`, until };
  return { code: 'stopped', message: `the last run was stopped${last.message ? `: ${last.message}` : ''}`, until };
}

function otherReason({ running }: Circumstances): Reason | undefined {
  return running === undefined ? undefined : { code: 'other-plan', message: `the plan ${running} is being backed up` };
}
