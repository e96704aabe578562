/** Passed in, so that tests own time. */
export interface KeeperClock {
  /** Unix milliseconds. */
  readonly now: () => number;
}
