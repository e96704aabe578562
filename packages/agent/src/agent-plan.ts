/** A plan, as far as an agent cares. */
import type { ConditionRules } from '@keephold/conditions';
import type { Goal } from './timing/goal.ts';

export interface AgentPlan {
  readonly name: string;
  /** Of what it backs up and where to: runs of another mark are runs of another plan that had its name. */
  readonly mark: string;
  readonly goal: Goal;
  readonly rules: ConditionRules;
}
