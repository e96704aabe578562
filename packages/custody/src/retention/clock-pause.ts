/**
 * Whether a jump of the clock makes expiry and purge wait (security.md §4): after more than seven days without use,
 * which a wrong clock and a long holiday look like, until the repository was used on three different days.
 */
import { DAY } from '../pack-state.ts';

const JUMP = 7 * DAY;
const DAYS_OF_USE = 3;

/** `uses`: the first use of each day, ascending, unix milliseconds. `now` counts as a use. */
export function isPausedByClock(uses: readonly number[], now: number): boolean {
  const times = [...uses.filter((time) => time < now), now];
  let sinceJump: Set<number> | undefined;
  let previous: number | undefined;
  for (const time of times) {
    if (previous !== undefined && time - previous > JUMP) sinceJump = new Set();
    sinceJump?.add(Math.floor(time / DAY));
    previous = time;
  }
  return sinceJump !== undefined && sinceJump.size < DAYS_OF_USE;
}
