/**
 * How fast to upload, by time of day: `2MB` a second, `09:00-17:00=500KB` between these times instead, `off` in either
 * for no limit. Of several times that hold, the lowest limit counts. The same words in options and in the file of plans.
 */
import { type DayWindow, isWithin, parseDayWindow } from '@keephold/conditions';
import { readByteCount } from '../command-line/options.ts';
import { formatBytes } from '../terminal/units.ts';

export interface UploadLimit {
  /** Undefined: always, but for what other times say. */
  readonly between: DayWindow | undefined;
  /** Bytes a second; infinite for none. */
  readonly rate: number;
}

const RANGE = { least: 1000, most: 1e12 };
/** A server gives up what comes at half of this. */
export const LEAST_FOR_SERVERS = 4000;

/** Undefined when the text is none. */
export function readUploadLimit(text: string): UploadLimit | undefined {
  const [first = '', second, ...more] = text.split('=');
  if (more.length > 0) return undefined;
  const between = second === undefined ? undefined : parseDayWindow(first);
  if (second !== undefined && between === undefined) return undefined;
  const written = second ?? first;
  if (written === 'off') return { between, rate: Number.POSITIVE_INFINITY };
  const rate = readByteCount(written);
  return rate !== undefined && rate >= RANGE.least && rate <= RANGE.most ? { between, rate } : undefined;
}

/** Bytes a second at this moment; infinite when nothing limits it. */
export function limitAt(limits: readonly UploadLimit[], now: Date): number {
  const timed = limits.filter(({ between }) => between !== undefined && isWithin(between, now));
  const holding = timed.length > 0 ? timed : limits.filter(({ between }) => between === undefined);
  return Math.min(Number.POSITIVE_INFINITY, ...holding.map(({ rate }) => rate));
}

export function limitInWords({ between, rate }: UploadLimit): string {
  const what = Number.isFinite(rate) ? `at most ${formatBytes(rate)} a second` : 'without a limit';
  return between === undefined ? what : `${what} between ${between}`;
}
