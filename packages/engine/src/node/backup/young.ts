/** Changes so recent that another may follow without a new time. */

/** A change this shortly ago may be followed by another within the file system's resolution of time. */
const YOUNG_SECONDS = 0.1;
/** The same for file systems whose times have whole seconds, or two. */
const COARSE_YOUNG_SECONDS = 2.1;

/**
 * Whether an entry changed just before `seconds`; `at` is its row's first word. By the time of the last change, which
 * nobody can set: a date of modification may lie in the future for years.
 */
export function isYoung(stats: Uint32Array, at: number, seconds: number): boolean {
  const ctime = stats[at + 12]! + (stats[at + 13]! | 0) * 0x1_0000_0000 + stats[at + 4]! / 1e9;
  const isCoarse = stats[at + 3] === 0 && stats[at + 4] === 0;
  return ctime > seconds - (isCoarse ? COARSE_YOUNG_SECONDS : YOUNG_SECONDS);
}
