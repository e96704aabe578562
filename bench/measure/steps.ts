/** What is measured, in the order it happens. */
export const steps = ['first', 'unchanged', 'changed', 'list', 'one-file', 'restore', 'check'] as const;

export type Step = (typeof steps)[number];

/** One measurement. */
export interface Row {
  readonly tool: string;
  readonly set: string;
  readonly run: number;
  readonly step: Step;
  readonly seconds: number;
  readonly cpuSeconds: number | undefined;
  readonly peakBytes: number | undefined;
  /** Of the repository, after `first`. */
  readonly repositoryBytes?: number;
  /** By which the repository grew, in `unchanged` and `changed`. */
  readonly addedBytes?: number;
}

/** A tool that failed is named and left out from there on. */
export interface Failure {
  readonly tool: string;
  readonly set: string;
  readonly run: number;
  readonly message: string;
}
