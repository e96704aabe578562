/**
 * How fast a run may write to the repository: what its plan or its options say, as they are at each moment, and on a line
 * to a server, if it is to give way, no faster than others on the line put up with.
 *
 * Once the command is interrupted it holds for long writes only, which are given up: what must be written to end is
 * short, and somebody waits for it.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { WriteLimit } from '@keephold/backend';
import { limitAt, type UploadLimit } from '../plans/upload-limit.ts';
import type { LineProbe } from './line-probe.ts';

/** As it is now: it may change while the run goes on. */
export interface UploadWish {
  readonly limits: readonly UploadLimit[];
  readonly givesWay: boolean;
}

export interface WriteLimitOptions {
  readonly wish: () => UploadWish;
  /** Of the server; undefined where there is none, and no line. */
  readonly origin: string | undefined;
  readonly signal: AbortSignal;
  /** Wall clock, unix milliseconds. */
  readonly now: () => number;
}

/** A full pack of trees, and shorter than a full pack of data. */
const LONGEST_TO_END = 5e6;
/** Nothing has to be measured when nothing was sent for so many milliseconds. */
const IDLE_AFTER = 2000;

export interface UploadLine extends Disposable {
  readonly writeLimit: WriteLimit;
}

export async function openUploadLine({ wish, origin, signal, now }: WriteLimitOptions): Promise<UploadLine> {
  let sentAt = Number.NEGATIVE_INFINITY;
  const isWanted = (): boolean => wish().givesWay && performance.now() - sentAt < IDLE_AFTER;
  const probe = origin === undefined ? undefined : await probeOf(origin, isWanted);
  return {
    writeLimit: {
      bytesPerSecond: (length) => {
        if (signal.aborted && length <= LONGEST_TO_END) return Number.POSITIVE_INFINITY;
        const { limits, givesWay } = wish();
        const limit = limitAt(limits, new Date(now()));
        return givesWay && probe !== undefined ? Math.min(limit, probe.control.rate(performance.now())) : limit;
      },
      now: () => performance.now(),
      sleep: async (milliseconds) => await wait(milliseconds),
      onPassed: (bytes) => {
        sentAt = performance.now();
        probe?.control.passed(bytes);
      },
    },
    [Symbol.dispose]: () => probe?.[Symbol.dispose](),
  };
}

/** Loaded where there is a server: what it needs of HTTP would be a good part of what a command takes to start. */
async function probeOf(origin: string, isWanted: () => boolean): Promise<LineProbe> {
  const { LineProbe } = await import('./line-probe.ts');
  return new LineProbe({ origin, isWanted });
}
