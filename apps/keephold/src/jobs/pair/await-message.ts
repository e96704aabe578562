/** Waits for the other side of a pairing: somebody is walking from one computer to the other. */
import { setTimeout as wait } from 'node:timers/promises';
import { CommandError, exitCodes } from '../../errors.ts';

/** Milliseconds. */
const PAUSE = 1000;
/** As long as a server keeps a ticket. */
export const TICKET_LIFETIME: number = 10 * 60_000;

export interface Patience {
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Unix milliseconds. */
  readonly until: number;
}

/** @throws CommandError when nothing came in time; the signal's reason when it was aborted. */
export async function awaitMessage<T>(look: () => Promise<T | undefined>, patience: Patience): Promise<T> {
  const { signal, now, until } = patience;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (now() >= until) throw tooLate();
    await wait(PAUSE, undefined, { signal });
  }
}

function tooLate(): CommandError {
  return new CommandError('the other side did not answer in time', {
    code: 'pairing-late',
    exitCode: exitCodes.failed,
    hint: 'a ticket is good for ten minutes and once; keephold device invite makes another',
  });
}
