/** What an agent tells while it runs, and how things are when it is asked. */
import type { Reason } from './decide.ts';
import type { RunRecord } from './runs/run-record.ts';
import type { Progress } from './runs/runner.ts';

export type AgentEvent =
  | { readonly type: 'run-began'; readonly plan: string; readonly pid: number }
  | ({ readonly type: 'progress'; readonly plan: string } & Progress)
  | { readonly type: 'stopping'; readonly plan: string; readonly why: Reason }
  | { readonly type: 'run-ended'; readonly plan: string; readonly run: RunRecord }
  | { readonly type: 'waiting'; readonly plan: string; readonly why: Reason }
  | { readonly type: 'clear'; readonly plan: string }
  /** Held back for too long: a person must act. Once a day. */
  | { readonly type: 'needs-you'; readonly plan: string; readonly silentMs: number; readonly why: Reason }
  | { readonly type: 'away'; readonly cause: 'asleep' | 'no-agent'; readonly from: number; readonly to: number }
  /** Something of its own does not work; it goes on without. */
  | { readonly type: 'trouble'; readonly message: string };

/** Of one plan, as the agent sees it now. */
export interface PlanState {
  readonly plan: string;
  readonly state: 'running' | 'waiting' | 'idle' | 'due';
  /** Milliseconds since the newest good backup began. */
  readonly ageMs?: number;
  readonly isOverdue: boolean;
  readonly goalMs: number;
  /** Unix milliseconds: when it is due, or when what holds it back is expected to end. */
  readonly nextAt?: number;
  readonly why?: Reason;
  /** It is held back, and has had no good backup for so many milliseconds: too long for its goal, so that a person must act. */
  readonly silentMs?: number;
  readonly progress?: Progress;
  readonly lastGood?: RunRecord;
  readonly lastRun?: RunRecord;
}
