/** Everything an agent goes by, at one look. */
import { type Blocker, blockersOf, type Readings } from '@keephold/conditions';
import type { AgentPlan } from './agent-plan.ts';
import type { Circumstances } from './decide.ts';
import type { RunBook, RunRecord } from './runs/run-record.ts';
import { dueness } from './timing/due.ts';
import type { Moment } from './timing/moment.ts';

interface Seen extends Pick<Circumstances, 'now' | 'pauses' | 'running'> {
  readonly runs: RunBook;
  readonly readings: Readings;
  knownSince(plan: string): Moment | undefined;
}

export class Sight {
  readonly #seen: Seen;

  constructor(seen: Seen) {
    this.#seen = seen;
  }

  get now(): Moment {
    return this.#seen.now;
  }

  of(plan: AgentPlan): Circumstances {
    const { now, pauses, running } = this.#seen;
    const others = running === plan.name ? undefined : running;
    const { name, goal } = plan;
    const knownSince = this.#seen.knownSince(name);
    return {
      plan: name,
      goal,
      now,
      knownSince,
      pauses,
      running: others,
      runs: this.#runs(plan),
      blockers: this.blockers(plan),
    };
  }

  blockers({ rules }: AgentPlan): readonly Blocker[] {
    return blockersOf(rules, this.#seen.readings, new Date(this.now.wall));
  }

  /** Its age, in goals: what is oldest by its own measure goes first. */
  urgency(plan: AgentPlan): number {
    const { ageMs } = dueness(plan.goal, this.#runs(plan), this.now);
    return ageMs === undefined ? Number.MAX_VALUE : ageMs / plan.goal;
  }

  #runs({ name, mark }: AgentPlan): readonly RunRecord[] {
    return (this.#seen.runs.get(name) ?? []).filter((run) => run.mark === mark);
  }
}
