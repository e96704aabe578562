/** Tries again what may succeed later: every call of the Custody seam can be repeated without a second effect. */
import { HttpError } from './errors.ts';

export interface RetryOptions {
  readonly signal?: AbortSignal;
  /** 0 to 1. */
  readonly random: () => number;
  /** Milliseconds. */
  readonly wait: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

/** 0.25 + 0.5 + 1 + 2 + 4 + 8 s: a server that starts again is there before the last one. */
const ATTEMPTS = 7;
const FIRST_WAIT = 250;

export async function retrying<T>(work: () => Promise<T>, { random, wait, signal }: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const least = error instanceof HttpError ? error.retryAfter : undefined;
      if (least === undefined || attempt >= ATTEMPTS) throw error;
      const backoff = FIRST_WAIT * 2 ** (attempt - 1);
      // Many clients of a server that comes back must not come at once.
      await wait(Math.max(least, backoff) * (0.5 + random()), signal);
    }
  }
}
