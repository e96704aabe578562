/**
 * A moment that outlives clock changes and restarts: the wall clock, and how long the machine has been up since which
 * start. Time asleep counts as up.
 */

export interface Moment {
  /** Unix milliseconds. */
  readonly wall: number;
  /** Milliseconds since the machine was started. */
  readonly uptime: number;
  /** Which start; undefined where the system does not tell, and then the wall clock is all there is. */
  readonly boot?: string;
}

/** The time and what wakes at one; passed in, so that a week is a short test. */
export interface Clock {
  now(): Moment;
  /** Calls back once, after this many milliseconds or somewhat later. */
  after(milliseconds: number, callback: () => void): Disposable;
}

/**
 * Milliseconds from one moment to a later one. Within one start they are exact whatever the clock was set to; across
 * starts they are what the wall clock says, and at least the time since the last one. Undefined when the clock was set
 * back across a start: then nobody knows.
 */
export function elapsed(since: Moment, now: Moment): number | undefined {
  const isKnown = since.boot !== undefined && now.boot !== undefined;
  if (isKnown && since.boot === now.boot && now.uptime >= since.uptime) return now.uptime - since.uptime;
  const byWall = now.wall - since.wall;
  if (byWall < 0) return undefined;
  return isKnown && since.boot !== now.boot ? Math.max(byWall, now.uptime) : byWall;
}
