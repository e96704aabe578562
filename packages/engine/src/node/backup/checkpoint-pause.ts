/**
 * When a run keeps what it has got done so far. What is stored after the last checkpoint is stored once more by the next
 * run when this one is killed, so the first comes soon; later ones come at a share of the time the run has taken.
 */
const SOONEST_MS = 30_000;
/** A tenth of the time a run has taken. */
const PART = 10;

/** Milliseconds from one checkpoint to the next, `atMost` when the run is long. `elapsed`: milliseconds of the run so far. */
export function checkpointPause(elapsed: number, atMost: number): number {
  return Math.min(atMost, Math.max(SOONEST_MS, elapsed / PART));
}
