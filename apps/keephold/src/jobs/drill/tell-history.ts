/** The history of drills and what it says, for people and for tools. */
import type { DrillResult, DrillRun, DrillTrend, Pace } from '@keephold/drill';
import type { Output } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/text-table.ts';
import {
  counted,
  exactTime,
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
  formatRate,
} from '../../terminal/units.ts';

const results: Readonly<Record<DrillResult, string>> = {
  good: 'good',
  partial: 'partial',
  damaged: 'DAMAGED',
  interrupted: 'interrupted',
};

const headings = ['when', 'snapshot', 'files', 'size', 'first file', 'rate', 'result'];

/** Runs that are listed to people. */
const SHOWN = 20;

export async function tellHistory(out: Output, runs: readonly DrillRun[], trend: DrillTrend): Promise<void> {
  for (const run of runs) await out.record(runRecord(run));
  await out.record({ type: 'trend', runs: trend.runs, ...trendRecord(trend) });
  if (out.json) return;
  if (runs.length === 0) {
    await out.result('no drill has run on this computer yet');
    return;
  }
  const table = { headings, rows: runs.slice(-SHOWN).map(runRow), right: ['files', 'size', 'first file', 'rate'] };
  await out.result(formatTable(table).trimEnd());
  for (const line of trendLines(trend)) await out.result(line);
}

function runRow({ at, snapshots, files, bytes, firstFileMs, restoreMs, result }: DrillRun): string[] {
  return [
    formatClock(at),
    snapshots.length === 1 ? `#${snapshots[0]}` : `${snapshots.length} of them`,
    formatCount(files),
    formatBytes(bytes),
    firstFileMs === undefined ? '' : formatDuration(firstFileMs),
    restoreMs > 0 ? formatRate((bytes / restoreMs) * 1000) : '',
    results[result],
  ];
}

function runRecord(run: DrillRun): { readonly type: string } {
  const { at, seed, snapshots, result, files, bytes, firstFileMs = null, restoreMs, counts, problems } = run;
  const how = { files, bytes, firstFileMs, restoreMs, counts, problems };
  return { type: 'run', at: exactClock(at), seed, snapshots, result, ...how } as { readonly type: string };
}

function exactClock(milliseconds: number): string {
  return exactTime(BigInt(Math.trunc(milliseconds)) * 1_000_000n);
}

export function trendRecord({
  lastGoodAt,
  daysSinceGood,
  rate,
  firstFile,
}: DrillTrend): Readonly<Record<string, unknown>> {
  return {
    lastGood: lastGoodAt === undefined ? null : exactClock(lastGoodAt),
    daysSinceGood: daysSinceGood ?? null,
    rateTrend: paceRecord(rate),
    firstFileTrend: paceRecord(firstFile),
  };
}

function paceRecord(pace: Pace | undefined): Readonly<Record<string, unknown>> | null {
  return pace === undefined ? null : { last: pace.last, usual: pace.usual, slower: pace.isWorse };
}

/** What of the trend stands behind the result of a drill. */
export function trendText({ rate, firstFile }: DrillTrend): string {
  if (rate?.isWorse === true) return `; slower than usual: ${formatRate(rate.last)}, usually ${formatRate(rate.usual)}`;
  if (firstFile?.isWorse === true)
    return `; slower than usual: the first file after ${formatDuration(firstFile.last)}, usually ${formatDuration(firstFile.usual)}`;
  return '';
}

function trendLines(trend: DrillTrend): readonly string[] {
  const { daysSinceGood, rate, firstFile } = trend;
  const age =
    daysSinceGood === undefined ? 'none has been good yet' : `the last good one was ${daysText(daysSinceGood)}`;
  const lines = [`${counted(trend.runs, 'drill')}; ${age}`];
  if (rate !== undefined)
    lines.push(`rate: ${formatRate(rate.last)}, usually ${formatRate(rate.usual)}${rate.isWorse ? ': slower' : ''}`);
  if (firstFile !== undefined)
    lines.push(
      `first file: after ${formatDuration(firstFile.last)}, usually ${formatDuration(firstFile.usual)}${firstFile.isWorse ? ': slower' : ''}`,
    );
  return lines;
}

export function daysText(days: number): string {
  return days < 1 ? 'today' : `${counted(Math.floor(days), 'day')} ago`;
}
