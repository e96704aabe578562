/** The machine's own clock. Only Linux tells which start it is. */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Clock, Moment } from './moment.ts';

export interface SystemClockOptions {
  /** Unix milliseconds. */
  readonly wall: () => number;
}

export function systemClock({ wall }: SystemClockOptions): Clock {
  const boot = bootId();
  return {
    now: (): Moment => ({ wall: wall(), uptime: Math.round(uptime() * 1000), ...(boot !== undefined && { boot }) }),
    after(milliseconds, callback) {
      const timer = setTimeout(callback, milliseconds);
      return { [Symbol.dispose]: () => clearTimeout(timer) };
    },
  };
}

function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim().slice(0, 64) || undefined;
  } catch {
    return undefined;
  }
}
