/** The plans of the file as the agent wants them, and how things are with them when no agent runs. */
import {
  type AgentPlan,
  defaultGoal,
  type Goal,
  type PlanState,
  parseGoal,
  planState,
  readLedger,
  silenceOf,
  systemClock,
  waitsSince,
} from '@keephold/agent';
import type { Context } from '../context.ts';
import type { Environment } from '../environment.ts';
import { type Plan, planMark } from '../plans/plan.ts';
import { rulesOf } from '../plans/plan-conditions.ts';
import { readPlans } from '../plans/plan-file.ts';
import { AgentFolder } from './agent-folder.ts';

export function agentPlans(environment: Pick<Environment, 'folders'>): readonly AgentPlan[] {
  return readPlans(environment).map((plan) => ({
    name: plan.name,
    mark: planMark(plan),
    goal: goalOf(plan),
    rules: rulesOf(plan),
  }));
}

function goalOf({ goal }: Plan): Goal {
  // Checked when the file was read.
  return parseGoal(goal ?? defaultGoal) as Goal;
}

const noAgent = { code: 'no-agent', message: 'no agent runs' };

/** From what lies on the disk; what is due waits for an agent. */
export function statesWithoutAgent(context: Pick<Context, 'environment' | 'now'>): readonly PlanState[] {
  const folder = new AgentFolder(context.environment);
  const [runs, pauses, ledger] = [folder.runs(), folder.pauses(), readLedger(folder.ledger)];
  const now = systemClock({ wall: () => context.now() }).now();
  return agentPlans(context.environment).map(({ name: plan, mark, goal }) => {
    const its = (runs.get(plan) ?? []).filter((run) => run.mark === mark);
    const knownSince = waitsSince(ledger, plan);
    const seen = { plan, goal, runs: its, pauses, blockers: [], running: undefined, knownSince, now };
    const state = planState(seen);
    if (state.state === 'idle') return state;
    const { nextAt: _, ...rest } = state;
    const silentMs = silenceOf(seen, noAgent);
    return { ...rest, state: 'waiting', why: noAgent, ...(silentMs !== undefined && { silentMs }) };
  });
}
