/** What is remembered of a drill. */

export const drillResults = ['good', 'partial', 'damaged', 'interrupted'] as const;
/**
 * partial: something does not open, or was not restored for a reason of this machine. damaged: what is kept, or the file
 * here, is not what was backed up.
 */
export type DrillResult = (typeof drillResults)[number];

export interface DrillRun {
  /** Unix milliseconds. */
  readonly at: number;
  readonly seed: number;
  /** Numbers of the snapshots. */
  readonly snapshots: readonly number[];
  readonly result: DrillResult;
  /** Restored, and what they hold. */
  readonly files: number;
  readonly bytes: number;
  /** From the beginning of the first restore to its first file; undefined when none came back. */
  readonly firstFileMs: number | undefined;
  /** Of all restores, without what looks at the files afterwards. */
  readonly restoreMs: number;
  /** How often each thing happened; all counts of the report. */
  readonly counts: Readonly<Record<string, number>>;
  /** The first of what went wrong. */
  readonly problems: readonly DrillProblem[];
  /** Marks of the paths that came back, joined: 16 hex digits each. */
  readonly drilled: string;
}

export interface DrillProblem {
  readonly outcome: string;
  /** As text; escaped where it is none. */
  readonly path: string;
  readonly reason: string;
}

export const MAX_PROBLEMS = 20;
