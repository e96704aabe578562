/** The journals of all plans that an agent runs. What they cannot tell costs a run a look at everything, and no more. */
import type { RunRecord } from '@keephold/agent';
import { fromHex } from '@keephold/bytes';
import type { Context } from '../context.ts';
import { PlanJournal } from '../jobs/plan-journal.ts';
import { agentPlans } from './agent-plans.ts';

export class PlanJournals implements AsyncDisposable {
  readonly #place: Pick<Context, 'globals' | 'environment'>;
  readonly #onTrouble: (message: string) => void;
  readonly #journals = new Map<string, PlanJournal>();
  readonly #told = new Map<string, string>();

  /** `onTrouble`: of folders that cannot be watched, once for each reason. */
  constructor(place: Pick<Context, 'globals' | 'environment'>, onTrouble: (message: string) => void) {
    this.#place = place;
    this.#onTrouble = onTrouble;
  }

  /** What a run of the plan is to be told; empty: nothing is known. Never rejects. */
  async before(plan: string): Promise<string> {
    try {
      await this.#forgetRemoved();
      const journal = this.#journals.get(plan) ?? new PlanJournal(this.#place, plan);
      this.#journals.set(plan, journal);
      const changes = await journal.before();
      this.#tellTrouble(plan, journal);
      return changes;
    } catch {
      // The run itself says what is wrong with its plan.
      return '';
    }
  }

  after(plan: string, { outcome, snapshotId }: RunRecord): void {
    const isComplete = (outcome === 'complete' || outcome === 'partial') && snapshotId !== undefined;
    this.#journals.get(plan)?.after(isComplete ? fromHex(snapshotId) : undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const journal of this.#journals.values()) await journal[Symbol.asyncDispose]();
    this.#journals.clear();
  }

  async #forgetRemoved(): Promise<void> {
    const names = new Set(agentPlans(this.#place.environment).map(({ name }) => name));
    for (const [name, journal] of this.#journals) {
      if (names.has(name)) continue;
      this.#journals.delete(name);
      await journal[Symbol.asyncDispose]();
    }
  }

  #tellTrouble(plan: string, { problem }: PlanJournal): void {
    const message = problem?.message ?? '';
    if (message !== '' && this.#told.get(plan) !== message)
      this.#onTrouble(`${plan}: ${message}; every backup looks at every file`);
    this.#told.set(plan, message);
  }
}
