/** How those who want the ledger's write lock come to it, in whatever process they are. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Whoever waits for the lock asks again at least so often, milliseconds. */
export const LONGEST_PAUSE = 20;

/** Between two transactions of long work: everybody who waits for the lock asks once before this resolves. */
export async function giveWay(): Promise<void> {
  await sleep(LONGEST_PAUSE + 5);
}
