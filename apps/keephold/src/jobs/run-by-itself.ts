/**
 * What runs only while a plan may run by itself: it is not begun when something is in the way, stopped within a second
 * when something comes in the way, and meanwhile keeps the machine from sleeping by itself.
 */
import { type Blocker, blockersOf, type Conditions, stopsRun } from '@keephold/conditions';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import { explainError } from '../explain-error.ts';
import type { Plan } from '../plans/plan.ts';
import { openMachine, rulesOf } from '../plans/plan-conditions.ts';
import { printable } from '../terminal/printable.ts';

// The time of day and the clock itself change without a word of it.
const lookEvery = 1000;

export async function runByItself(
  context: Context,
  plan: Plan,
  run: (context: Context) => Promise<ExitCode>,
): Promise<ExitCode> {
  await using conditions = await openMachine(context.environment);
  const blockers = blockersOf(rulesOf(plan), conditions.current(), new Date(context.now()));
  if (blockers.length > 0) {
    await tell(context, { plan, blockers, did: 'not-begun' });
    return exitCodes.notNow;
  }
  using guard = guardRun(context, plan, conditions);
  await using _awake = await conditions.stayAwake(`backing up ${plan.name}`);
  const isStopped = (): boolean => guard.blockers().length > 0 && !context.signal.aborted;
  const code = await interruptible(isStopped, () => run({ ...context, signal: guard.signal }));
  if (code !== exitCodes.interrupted || !isStopped()) return code;
  await tell(context, { plan, blockers: guard.blockers(), did: 'stopped' });
  return exitCodes.notNow;
}

interface Guard extends Disposable {
  /** Of the user as well. */
  readonly signal: AbortSignal;
  /** Why the run was stopped; none when it was not. */
  blockers(): readonly Blocker[];
}

function guardRun(context: Context, plan: Plan, conditions: Conditions): Guard {
  const controller = new AbortController();
  let found: readonly Blocker[] = [];
  const look = (): void => {
    if (controller.signal.aborted) return;
    found = blockersOf(rulesOf(plan), conditions.current(), new Date(context.now())).filter(stopsRun);
    if (found.length > 0) controller.abort();
  };
  const watch = conditions.onChange(look);
  const timer = setInterval(look, lookEvery);
  return {
    signal: AbortSignal.any([context.signal, controller.signal]),
    blockers: () => found,
    [Symbol.dispose]() {
      clearInterval(timer);
      watch[Symbol.dispose]();
    },
  };
}

/** What is stopped before it could end in good order ends with the error of that: for the caller it is the same. */
async function interruptible(isStopped: () => boolean, run: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await run();
  } catch (error) {
    if (isStopped() && explainError(error).exitCode === exitCodes.interrupted) return exitCodes.interrupted;
    throw error;
  }
}

interface Told {
  readonly plan: Plan;
  readonly blockers: readonly Blocker[];
  readonly did: 'not-begun' | 'stopped';
}

async function tell({ out }: Context, { plan: { name }, blockers, did }: Told): Promise<void> {
  const why = blockers.map(({ message }) => printable(message)).join('; ');
  const what = did === 'stopped' ? 'stopped' : 'does not run now';
  await out.answer(`plan ${name} ${what}: ${why}`, { type: 'not-now', plan: name, did, blockers });
}
