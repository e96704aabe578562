/** Tells what a drill found: each file that says something, then the sums. */
import type { DrillTrend, Opening } from '@keephold/drill';
import { hex, pathRecord, withSlash } from '../../listing/node-text.ts';
import type { Output } from '../../terminal/output.ts';
import { printable } from '../../terminal/printable.ts';
import { counted, formatBytes, formatCount, formatDuration, formatRate } from '../../terminal/units.ts';
import type { DrillReport } from './drill-report.ts';
import type { DrilledFile, DrillOutcome } from './drilled-file.ts';
import { trendRecord, trendText } from './tell-history.ts';

const headings: Readonly<Record<DrillOutcome, string>> = {
  good: 'good',
  'already-broken': 'already broken',
  unopenable: 'does not open',
  differs: 'differs',
  damaged: 'damaged',
  'not-restored': 'not restored',
};

export interface TellingOptions {
  /** Name good files too. */
  readonly verbose: boolean;
}

export async function tellFile(out: Output, file: DrilledFile, { verbose }: TellingOptions): Promise<void> {
  const { outcome, reason, snapshot, path, size, compared, opening } = file;
  await out.record({
    type: 'file',
    snapshot: hex(snapshot.id),
    seq: snapshot.seq,
    ...pathRecord(path),
    size,
    outcome,
    reason: reason ?? null,
    index: compared === undefined ? null : compared.indexDiffersAt === undefined ? 'same' : 'differs',
    here: compared?.live ?? null,
    opening: opening ?? null,
  });
  if (out.json) return;
  const text = `${headings[outcome]}: ${printable(withSlash(path))}`;
  if (outcome === 'good') {
    if (verbose) await out.result(`${text}${openingText(opening)}`);
  } else if (outcome === 'already-broken') out.note(`${text}: ${reason}`);
  else out.error(`${text}: ${reason}`);
}

function openingText(opening: Opening | undefined): string {
  if (opening === undefined || opening.kind === 'unknown') return '';
  return opening.kind === 'opened' ? ` (${opening.format}: ${opening.did})` : ` (not opened: ${opening.reason})`;
}

export async function tellFolders(out: Output, { sample }: DrillReport): Promise<void> {
  for (const { path, reason, snapshot } of sample.damagedFolders) {
    await out.record({ type: 'folder', seq: snapshot.seq, ...pathRecord(path), outcome: 'damaged', reason });
    if (!out.json)
      out.error(`damaged: what is in ${printable(withSlash(path))} cannot be listed: ${printable(reason)}`);
  }
}

export async function tellDrill(out: Output, report: DrillReport, trend: DrillTrend): Promise<void> {
  await out.record(summaryRecord(report, trend));
  if (out.quiet || out.json) return;
  for (const line of summaryLines(report)) await out.result(line);
  await out.result(`${resultText(report)}${report.restoredFiles > 0 ? trendText(trend) : ''}`);
}

function summaryRecord(report: DrillReport, trend: DrillTrend): { readonly type: string } {
  const { seed, snapshots, sample, result, restoredFiles, restoredBytes, firstFileMs, restoreMs, tookMs, counts } =
    report;
  return {
    type: 'summary',
    result,
    seed,
    snapshots: snapshots.map(({ seq, id }) => ({ seq, id: hex(id) })),
    candidates: sample.met,
    tooLarge: sample.tooLarge,
    drawn: sample.drawn,
    files: restoredFiles,
    bytes: restoredBytes,
    firstFileMs: firstFileMs ?? null,
    restoreMs,
    bytesPerSecond: restoreMs > 0 ? (restoredBytes / restoreMs) * 1000 : null,
    durationMs: tookMs,
    counts,
    ...trendRecord(trend),
  } as { readonly type: string };
}

function summaryLines(report: DrillReport): readonly string[] {
  const { sample, restoredFiles, restoredBytes, firstFileMs, restoreMs, snapshots, seed } = report;
  const where = snapshots.length === 1 ? `snapshot #${snapshots[0]?.seq}` : counted(snapshots.length, 'snapshot');
  const all = `${counted(sample.met.files, 'file')}, ${formatBytes(sample.met.bytes)}`;
  const lines = [`drew ${formatCount(sample.drawn)} of ${all} in ${where} (--seed ${seed} draws them again)`];
  if (restoredFiles > 0) {
    const rate = restoreMs > 0 ? ` (${formatRate((restoredBytes / restoreMs) * 1000)})` : '';
    const first = firstFileMs === undefined ? '' : `, the first after ${formatDuration(firstFileMs)}`;
    const what = `${counted(restoredFiles, 'file')}, ${formatBytes(restoredBytes)}`;
    lines.push(`restored ${what} in ${formatDuration(restoreMs)}${rate}${first}`);
    lines.push(comparedText(report));
    lines.push(openedText(report));
  }
  if (report.left > 0) lines.push(`${counted(report.left, 'file')} left: there was no time for more (--time)`);
  if (sample.tooLarge.files > 0)
    lines.push(`never drawn: ${counted(sample.tooLarge.files, 'file')} larger than --size`);
  return lines;
}

function comparedText(report: DrillReport): string {
  const parts = [`${formatCount(report.count('here-same'))} the same`];
  const changed = report.count('here-changed') + report.count('here-young');
  if (changed > 0) parts.push(`${formatCount(changed)} changed since`);
  if (report.count('here-copied') > 0)
    parts.push(`${formatCount(report.count('here-copied'))} copied by SQLite while in use`);
  if (report.count('here-gone') > 0) parts.push(`${formatCount(report.count('here-gone'))} no longer here`);
  if (report.count('here-unreadable') > 0) parts.push(`${formatCount(report.count('here-unreadable'))} unreadable`);
  if (report.count('here-differs') > 0) parts.push(`${formatCount(report.count('here-differs'))} different`);
  return `compared with the index: ${formatCount(report.count('index-same'))} the same; with the files here: ${parts.join(', ')}`;
}

function openedText(report: DrillReport): string {
  const formats = Object.entries(report.counts)
    .filter(([name]) => name.startsWith('opened-'))
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${formatCount(count)} ${name.slice('opened-'.length)}`);
  const parts = [
    `opened ${formatCount(report.count('opening-opened'))}${formats.length > 0 ? ` (${formats.join(', ')})` : ''}`,
  ];
  const rest: readonly (readonly [string, string])[] = [
    ['already-broken', 'already broken when backed up'],
    ['unopenable', 'that do not open'],
    ['opening-undecided', 'that could not be judged'],
    ['opening-unknown', 'of kinds that are compared only'],
    ['not-opened', 'not opened for lack of time'],
  ];
  for (const [name, text] of rest) if (report.count(name) > 0) parts.push(`${formatCount(report.count(name))} ${text}`);
  return parts.join('; ');
}

function resultText({ result, sample }: DrillReport): string {
  if (result === 'interrupted') return 'the drill was interrupted';
  if (result !== 'damaged' && sample.met.files === 0)
    return 'no file with content is in the snapshot: there was nothing to prove';
  if (result === 'good') return 'everything drawn came back as it was backed up';
  return result === 'damaged'
    ? 'not everything came back as it was backed up'
    : 'the drill has shown less than it should';
}
