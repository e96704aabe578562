/**
 * One way of trying to break a promise, and how it is given its time. Jobs are listed in `jobs.ts`, run in full by
 * `npm run torture` and at a smoke level by tests: the same code, fewer rounds.
 */
export interface TortureJob {
  /** What it is called on the command line. */
  readonly name: string;
  /** One line: what it tries to break. */
  readonly tries: string;
  /** Resolves when nothing broke; rejects with what did. */
  readonly run: (options: TortureOptions) => Promise<void>;
}

export interface TortureOptions {
  /**
   * Everything random comes from it. Round n (from 0) uses `seed + n` and nothing of the rounds before, so that a round
   * can be run again alone.
   */
  readonly seed: number;
  /** Asked before each round, in order; false ends the job. The first round is always run. */
  readonly more: (round: number) => boolean;
  /** One line for whoever watches. */
  readonly log: (line: string) => void;
}

/** So many rounds: the same every time, for tests. */
export function rounds(count: number): TortureOptions['more'] {
  return (round) => round < count;
}

/** Rounds are begun until the time is over; `now` in milliseconds. */
export function roundsFor(seconds: number, now: () => number): TortureOptions['more'] {
  const end = now() + seconds * 1000;
  return (round) => round === 0 || now() < end;
}

/** Runs `attempt` with the seed of each round; what fails is told with the seed that shows it again. */
export async function eachRound(
  { seed, more }: Pick<TortureOptions, 'seed' | 'more'>,
  attempt: (seed: number) => Promise<void>,
): Promise<number> {
  let round = 0;
  for (; more(round); round++) {
    try {
      await attempt(seed + round);
    } catch (error) {
      throw new Error(`round with --seed ${seed + round} --rounds 1: ${messageOf(error)}`, { cause: error });
    }
  }
  return round;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
