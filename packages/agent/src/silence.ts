/**
 * When waiting in silence has gone on for too long: a person is asked then, since what holds a plan back for days will
 * hardly end by itself.
 */
import type { Circumstances, Reason } from './decide.ts';
import { isGood } from './runs/run-record.ts';
import { elapsed, type Moment } from './timing/moment.ts';

/** A weekend away is no reason to ask. */
const LEAST = 3 * 24 * 3_600_000;
const GOALS = 3;
/** Who did not act is asked again. */
const ASKS_EVERY = 24 * 3_600_000;

/** Milliseconds for which a plan that is held back has had no good backup, when that is too long for its goal. */
export function silenceOf(
  { goal, runs, knownSince, now }: Pick<Circumstances, 'goal' | 'runs' | 'knownSince' | 'now'>,
  why: Reason | undefined,
): number | undefined {
  // A pause that ends was somebody's wish, and so is a plan whose turn comes.
  const isWanted = why === undefined || why.code === 'other-plan' || (why.code === 'paused' && why.until !== undefined);
  const since = runs.findLast(isGood)?.began ?? knownSince;
  if (isWanted || since === undefined) return undefined;
  const silence = elapsed(since, now);
  return silence !== undefined && silence >= Math.max(LEAST, GOALS * goal) ? silence : undefined;
}

/** Remembers who was asked when, for as long as the agent runs. */
export class Asked {
  readonly #at = new Map<string, Moment>();

  /** Whether to ask now because of this plan; from then on not for a day, whatever it tries meanwhile. */
  mayAsk(plan: string, silentMs: number | undefined, now: Moment): boolean {
    if (silentMs === undefined) return false;
    const before = this.#at.get(plan);
    const passed = before === undefined ? undefined : elapsed(before, now);
    if (passed !== undefined && passed < ASKS_EVERY) return false;
    this.#at.set(plan, now);
    return true;
  }
}
