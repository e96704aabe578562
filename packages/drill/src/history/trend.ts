/** What the history says: when a drill last went well, and whether restoring has become slower. */
import type { DrillRun } from './drill-run.ts';

export interface Pace {
  readonly last: number;
  /** The median of the runs before. */
  readonly usual: number;
  readonly isWorse: boolean;
}

export interface DrillTrend {
  readonly runs: number;
  /** Unix milliseconds; undefined when none has. */
  readonly lastGoodAt: number | undefined;
  readonly daysSinceGood: number | undefined;
  /** Bytes a second; undefined until enough runs can be compared. */
  readonly rate: Pace | undefined;
  /** Milliseconds to the first file. */
  readonly firstFile: Pace | undefined;
}

const MS_PER_DAY = 86_400_000;
/** Runs that the last one is compared with, and how many there must be. */
const COMPARED = 10;
const ENOUGH = 3;
/** Machines are busy at times: only twice as slow as usual is worth a word, and only where a person would notice. */
const WORSE = 2;
const NOTICEABLE_MS = 500;
/** Of less than this, the rate is that of starting. */
const TELLING_BYTES = 5e6;

export function drillTrend(runs: readonly DrillRun[], now: number): DrillTrend {
  const lastGoodAt = runs.findLast(({ result }) => result === 'good')?.at;
  const timed = runs.filter(({ result, bytes, restoreMs }) => result !== 'interrupted' && bytes > 0 && restoreMs > 0);
  const rate = pace(
    timed.filter(({ bytes }) => bytes >= TELLING_BYTES).map(({ bytes, restoreMs }) => (bytes / restoreMs) * 1000),
  );
  const first = pace(timed.map(({ firstFileMs }) => firstFileMs).filter((ms) => ms !== undefined));
  return {
    runs: runs.length,
    lastGoodAt,
    daysSinceGood: lastGoodAt === undefined ? undefined : Math.max(0, (now - lastGoodAt) / MS_PER_DAY),
    rate: rate && { ...rate, isWorse: rate.last * WORSE < rate.usual },
    firstFile: first && {
      ...first,
      isWorse: first.last > first.usual * WORSE && first.last - first.usual > NOTICEABLE_MS,
    },
  };
}

function pace(values: readonly number[]): Omit<Pace, 'isWorse'> | undefined {
  const last = values.at(-1);
  const before = values.slice(-1 - COMPARED, -1).toSorted((a, b) => a - b);
  if (last === undefined || before.length < ENOUGH) return undefined;
  const middle = before.length >> 1;
  const usual = before.length % 2 === 1 ? before[middle]! : (before[middle - 1]! + before[middle]!) / 2;
  return { last, usual };
}
