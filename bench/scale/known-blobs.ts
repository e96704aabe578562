/**
 * What a device pays for knowing ten million blobs: memory of a backup, and processor time before it can start. The
 * cache of known blobs is planted; everything else is the built command at work on real files.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { textFiles } from '../data/text-files.ts';
import { folderBytes } from '../measure/folder-bytes.ts';
import { type Measured, runMeasured } from '../measure/run-measured.ts';
import { copyTree, WorkFolder } from '../measure/work-folder.ts';
import { describeMachine } from '../report/machine.ts';
import { writeResultFiles } from '../report/result-files.ts';
import { median } from '../report/summary.ts';
import { KeepholdPlace } from './keephold-place.ts';
import type { Planted } from './plant-known-blobs.ts';

const MEMORY_BUDGET = 256e6;
const START_BUDGET = 0.3;

interface Case {
  readonly title: string;
  readonly planted: Planted | undefined;
  /** A folder that did not change: the known blobs are not even looked at. */
  readonly unchanged: Spent;
  /** One more small file in it: the known blobs are opened, asked, and written back. */
  readonly oneFile: Spent;
  /** Processor seconds of reading the same cache files and nothing else. */
  readonly reading: number;
  /** Files that are all new. */
  readonly fresh: Spent;
  /** The same content at other paths: found among the known. */
  readonly known: Spent & { readonly addedBytes: number };
}

interface Spent {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

export async function proveKnownBlobs(options: { readonly quick: boolean; readonly runs: number }): Promise<void> {
  const blobs = options.quick ? 1_000_000 : 10_000_000;
  const cases = [
    await runCase({ ...options, title: 'nothing planted', blobs: 0, toTheBrink: false }),
    await runCase({ ...options, title: 'planted', blobs, toTheBrink: false }),
    await runCase({ ...options, title: 'planted, and the table has to grow', blobs, toTheBrink: true }),
  ];
  const report = toMarkdown(cases);
  const name = { date: new Date().toISOString(), what: 'scale-known-blobs', quick: options.quick };
  console.log(`${report}\n${writeResultFiles(name, { md: report, json: `${JSON.stringify(cases, null, 1)}\n` })}`);
}

interface CaseOptions {
  readonly quick: boolean;
  readonly runs: number;
  readonly title: string;
  readonly blobs: number;
  readonly toTheBrink: boolean;
}

async function runCase({ quick, runs, title, blobs, toTheBrink }: CaseOptions): Promise<Case> {
  using work = new WorkFolder();
  const place = new KeepholdPlace(work);
  const old = join(place.source, 'old');
  const added = work.fresh(join('live', 'added'));
  work.fresh(join('live', 'old'));
  textFiles({ files: 2000, bytes: 20e6 }).make(old);
  textFiles(quick ? { files: 2000, bytes: 40e6 } : { files: 40_000, bytes: 800e6 }).make(added);
  await place.init();
  await place.backup(old);
  const planted = blobs === 0 ? undefined : plant({ folder: place.cacheFolder, blobs, toTheBrink });
  const reading = await readingAlone(place, runs);
  const unchanged = await repeat(runs, () => place.backup(old));
  const oneFile = await repeat(runs, () => {
    writeFileSync(join(old, 'one'), String(process.hrtime()));
    return place.backup(old);
  });
  const fresh = await repeat(1, () => place.backup(added));
  const copy = work.fresh('copy');
  copyTree(added, copy);
  const before = folderBytes(place.repository);
  const known = await repeat(1, () => place.backup(copy));
  const addedBytes = folderBytes(place.repository) - before;
  console.log(
    `${title}: unchanged ${unchanged.cpuSeconds} and one file ${oneFile.cpuSeconds} CPU s, peaks ${[unchanged, oneFile, fresh, known].map((each) => megabytes(each.peakBytes)).join(', ')} MB`,
  );
  return { title, planted, reading, unchanged, oneFile, fresh, known: { ...known, addedBytes } };
}

/** In a process of its own, which can resolve the engine's sources. */
function plant(options: { folder: string; blobs: number; toTheBrink: boolean }): Planted {
  const args = [
    '--conditions=@keephold/source',
    join(import.meta.dirname, '../scale.ts'),
    'plant',
    options.folder,
    String(options.blobs),
  ];
  const output = execFileSync(process.execPath, options.toTheBrink ? [...args, '--brink'] : args, { encoding: 'utf8' });
  return JSON.parse(output) as Planted;
}

/** What a program pays that reads the cache files whole, beyond starting up. */
async function readingAlone(place: KeepholdPlace, runs: number): Promise<number> {
  const files = ['known-filter', 'known-packs'].map((name) => join(place.cacheFolder, name));
  const program = (paths: readonly string[]) => () =>
    runMeasured(
      {
        program: process.execPath,
        args: ['-e', 'for (const path of process.argv.slice(1)) require("fs").readFileSync(path)', ...paths],
      },
      { environment: {}, home: place.state },
    );
  const [nothing, all] = [await repeat(runs, program([])), await repeat(runs, program(files))];
  return Math.max(0, all.cpuSeconds - nothing.cpuSeconds);
}

async function repeat(runs: number, measure: () => Promise<Measured>): Promise<Spent> {
  const all: Measured[] = [];
  for (let i = 0; i < runs; i++) all.push(await measure());
  const of = (key: keyof Measured): number => median(all.flatMap((each) => each[key] ?? [])) ?? Number.NaN;
  return {
    seconds: of('seconds'),
    cpuSeconds: of('cpuSeconds'),
    peakBytes: Math.max(...all.map((each) => each.peakBytes ?? Number.NaN)),
  };
}

function toMarkdown(cases: readonly Case[]): string {
  const [plain] = cases;
  const row = (title: string, cell: (each: Case) => string): string => `| ${[title, ...cases.map(cell)].join(' | ')} |`;
  const start = (each: Case): number => each.oneFile.cpuSeconds - (plain?.oneFile.cpuSeconds ?? 0) - each.reading;
  const peak = ({ unchanged, oneFile, fresh, known }: Case): number =>
    Math.max(...[unchanged, oneFile, fresh, known].map(({ peakBytes }) => peakBytes));
  const verdict = (good: boolean): string => (good ? 'holds' : '**does not hold**');
  const { cpu, cores, node } = describeMachine();
  return `${[
    '# What knowing many blobs costs',
    '',
    `${cpu}, ${cores} cores, Node ${node}, ${new Date().toISOString().slice(0, 10)}. Peaks are resident memory of the whole command.`,
    '',
    `| | ${cases.map(({ title }) => title).join(' | ')} |`,
    `|---|${'--:|'.repeat(cases.length)}`,
    row('known blobs', ({ planted }) => (planted?.records ?? 0).toLocaleString('en')),
    row('packs', ({ planted }) => (planted?.packs ?? 0).toLocaleString('en')),
    row('table in its file, MB', ({ planted }) => megabytes((planted?.blocks ?? 0) * 4096)),
    row('– in memory, MB', ({ planted }) => megabytes((planted?.blocks ?? 0) * 128)),
    row('nothing changed, CPU s', ({ unchanged }) => unchanged.cpuSeconds.toFixed(2)),
    row('one new file, CPU s', ({ oneFile }) => oneFile.cpuSeconds.toFixed(2)),
    row('reading the cache files alone, CPU s', ({ reading }) => reading.toFixed(2)),
    row(`one new file, more than with nothing known and beyond reading, CPU s (≤ ${START_BUDGET})`, (each) =>
      start(each).toFixed(2),
    ),
    row('nothing changed, s', ({ unchanged }) => unchanged.seconds.toFixed(2)),
    row('one new file, s', ({ oneFile }) => oneFile.seconds.toFixed(2)),
    row('new files, s', ({ fresh }) => fresh.seconds.toFixed(2)),
    row('known content at new paths, s', ({ known }) => known.seconds.toFixed(2)),
    row('– bytes added by it, MB', ({ known }) => megabytes(known.addedBytes)),
    row('peak, nothing changed, MB', ({ unchanged }) => megabytes(unchanged.peakBytes)),
    row('peak, one new file, MB', ({ oneFile }) => megabytes(oneFile.peakBytes)),
    row('peak, new files, MB', ({ fresh }) => megabytes(fresh.peakBytes)),
    row('peak, known content, MB', ({ known }) => megabytes(known.peakBytes)),
    '',
    `- memory of at most ${MEMORY_BUDGET / 1e6} MB: ${verdict(cases.every((each) => peak(each) <= MEMORY_BUDGET))}`,
    `- start-up of at most ${START_BUDGET} CPU s beyond reading: ${verdict(cases.every((each) => start(each) <= START_BUDGET))}`,
  ].join('\n')}\n`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
