/**
 * A limit of bytes a second for what is written to the repository. Once the command is interrupted it holds for long
 * writes only, which are given up: what must be written to end is short, and somebody waits for it.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { OpenOptions } from '@keephold/custody';

/** A full pack of trees, and shorter than a full pack of data. */
const LONGEST_TO_END = 5e6;

export function writeLimit(bytesPerSecond: number | undefined, signal: AbortSignal): Pick<OpenOptions, 'writeLimit'> {
  if (bytesPerSecond === undefined) return {};
  return {
    writeLimit: {
      bytesPerSecond: (length) =>
        signal.aborted && length <= LONGEST_TO_END ? Number.POSITIVE_INFINITY : bytesPerSecond,
      now: () => performance.now(),
      sleep: (milliseconds) => wait(milliseconds),
    },
  };
}
