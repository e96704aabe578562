/** A limit of bytes a second for what is written to the repository. */
import { setTimeout as wait } from 'node:timers/promises';
import type { OpenOptions } from '@keephold/custody';

export function writeLimit(bytesPerSecond: number | undefined): Pick<OpenOptions, 'writeLimit'> {
  if (bytesPerSecond === undefined) return {};
  return {
    writeLimit: {
      bytesPerSecond: () => bytesPerSecond,
      now: () => performance.now(),
      sleep: (milliseconds) => wait(milliseconds),
    },
  };
}
