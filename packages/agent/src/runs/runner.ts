/** The seam to what runs a plan. */

export interface Progress {
  readonly files: number;
  readonly bytes: number;
  readonly totalFiles?: number;
  readonly totalBytes?: number;
}

/** How the process ended; what it did is in the book of runs. */
export interface RunEnd {
  /** Undefined when it was killed. */
  readonly exitCode: number | undefined;
  /** What it said last on standard error, for a run that left no record. */
  readonly lastWords: string;
}

export interface Run {
  readonly pid: number;
  /** Never rejects. */
  readonly ended: Promise<RunEnd>;
  /** Asks it to end with a checkpoint. May be called again; what does not follow in a minute is killed. */
  stop(): void;
}

export interface Runner {
  /** @throws when no process can be started */
  start(plan: string, onProgress: (progress: Progress) => void): Run;
}
