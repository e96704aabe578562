/** How things are with a plan, for people and programs: from what is decided about it. */
import type { PlanState } from './agent-events.ts';
import { type Circumstances, type Decision, decide, pauseReason, type Reason } from './decide.ts';
import { isGood } from './runs/run-record.ts';
import { silenceOf } from './silence.ts';

/** Of a plan that does not run now. */
export function planState(circumstances: Circumstances): PlanState {
  const { plan, goal, runs, now } = circumstances;
  const decision = decide(circumstances);
  const { ageMs, isOverdue, inMs } = decision.due;
  const lastGood = runs.findLast(isGood);
  const lastRun = runs.at(-1);
  const dueAt = now.wall + inMs;
  const why = decision.kind === 'wait' ? decision.why : pauseBeyond(circumstances, dueAt);
  const nextAt = why === undefined ? dueAt : why.until;
  const silentMs = silenceOf(circumstances, why);
  return {
    plan,
    state: stateOf(decision),
    ...(ageMs !== undefined && { ageMs }),
    isOverdue,
    goalMs: goal,
    ...(nextAt !== undefined && { nextAt }),
    ...(why !== undefined && { why }),
    ...(silentMs !== undefined && { silentMs }),
    ...(lastGood !== undefined && { lastGood }),
    ...(lastRun !== undefined && { lastRun }),
  };
}

/** Not due yet, and paused until after it will be. */
function pauseBeyond(circumstances: Circumstances, dueAt: number): Reason | undefined {
  const why = pauseReason(circumstances);
  return why !== undefined && (why.until === undefined || why.until > dueAt) ? why : undefined;
}

function stateOf({ kind }: Decision): PlanState['state'] {
  switch (kind) {
    case 'idle':
      return 'idle';
    case 'wait':
      return 'waiting';
    case 'run':
      return 'due';
  }
}
