/**
 * What years of snapshots cost: the verbs that deal with them at 1×, 2× and 4× the number, and how fast a backup is
 * while a collection of such a vault runs beside it.
 */
import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { mediaFiles } from '../data/media-files.ts';
import { textFiles } from '../data/text-files.ts';
import type { Measured } from '../measure/run-measured.ts';
import { WorkFolder } from '../measure/work-folder.ts';
import { describeMachine } from '../report/machine.ts';
import { writeResultFiles } from '../report/result-files.ts';
import { keepholdEnvironment } from '../tools/keephold.ts';
import { KeepholdPlace } from './keephold-place.ts';

const FACTORS = [1, 2, 4] as const;

/** In the order in which they run, each on what the one before left. */
const STEPS: readonly (readonly [title: string, ...args: string[]])[] = [
  ['snapshots, the first time on a device', 'snapshots'],
  ['snapshots', 'snapshots'],
  ['gc, nothing due', 'gc'],
  ['forget, what is kept for days, weeks, months', 'forget', '--keep-window-days', '0'],
  ['gc of what was forgotten', 'gc', '--trash-days', '0', '--purge-days', '0'],
  ['gc after that', 'gc'],
];

interface Spent extends Measured {
  readonly title: string;
}

interface Beside {
  readonly title: string;
  readonly backup: Measured;
  readonly collections: number;
}

export async function proveSnapshotsCost({ quick }: { readonly quick: boolean }): Promise<void> {
  const unit = quick ? 250 : 2500;
  using work = new WorkFolder();
  const columns: Spent[][] = [];
  for (const factor of FACTORS) {
    const place = await planted(work, unit * factor);
    columns.push(await measureSteps(place));
    console.log(
      `${unit * factor} snapshots: ${columns
        .at(-1)!
        .map(({ cpuSeconds }) => cpuSeconds)
        .join(', ')} CPU s`,
    );
  }
  const beside = await measureBeside(work, { snapshots: unit * 2, bytes: quick ? 100e6 : 1000e6 });
  const report = toMarkdown(unit, columns, beside);
  const name = { date: new Date().toISOString(), what: 'scale-snapshots', quick };
  const json = `${JSON.stringify({ unit, columns, beside }, null, 1)}\n`;
  console.log(`${report}\n${writeResultFiles(name, { md: report, json })}`);
}

async function planted(work: WorkFolder, snapshots: number): Promise<KeepholdPlace> {
  const place = new KeepholdPlace(work);
  textFiles({ files: 200, bytes: 600e3 }).make(place.source);
  const args = ['--conditions=@keephold/source', join(import.meta.dirname, '../scale.ts'), 'plant-snapshots'];
  // A process of its own, whose clock it sets, and which can resolve the sources.
  execFileSync(process.execPath, [...args, place.source, String(snapshots)], {
    env: { PATH: process.env['PATH'], HOME: place.state, ...keepholdEnvironment(place) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return place;
}

async function measureSteps(place: KeepholdPlace): Promise<Spent[]> {
  const spent: Spent[] = [];
  for (const [title, ...args] of STEPS) spent.push({ title, ...(await place.run(...args)) });
  await place.backup();
  spent.push({ title: 'backup, nothing changed', ...(await place.backup()) });
  return spent;
}

/**
 * The same backup alone, beside collections of another vault, which take the same processor and disk, and beside
 * collections of its own vault, which take the lock as well.
 */
async function measureBeside(
  work: WorkFolder,
  { snapshots, bytes }: { readonly snapshots: number; readonly bytes: number },
): Promise<Beside[]> {
  const place = await planted(work, snapshots);
  await place.backup();
  await place.run('forget', '--keep-window-days', '0');
  mediaFiles(bytes).make(work.fresh('media'));
  const media = join(work.path, 'media');
  const all: Beside[] = [];
  for (const [title, collected] of [
    ['alone', undefined],
    ['beside gc of another vault', 'other'],
    ['beside gc of its own vault', 'own'],
  ] as const) {
    const own = copied(work, place, 'own');
    const other = copied(work, place, 'other');
    const collections = collected === undefined ? undefined : collect({ own, other }[collected]);
    const backup = await own.run('backup', media);
    all.push({ title, backup, collections: (await collections?.stop()) ?? 0 });
  }
  return all;
}

/** One after the other until told to stop; the first has thousands of packs to delete. */
function collect(place: KeepholdPlace): { stop(): Promise<number> } {
  let isStopped = false;
  const loop = async (): Promise<number> => {
    let count = 0;
    for (; !isStopped; count++) await place.run('gc', '--trash-days', '0', '--purge-days', '0');
    return count;
  };
  const running = loop();
  return {
    stop: async () => {
      isStopped = true;
      return await running;
    },
  };
}

function copied(work: WorkFolder, place: KeepholdPlace, name: string): KeepholdPlace {
  const copy = new KeepholdPlace(work, name);
  for (const part of ['repository', 'state'] as const) {
    cpSync(place[part], copy[part], { recursive: true, preserveTimestamps: true });
  }
  return copy;
}

function toMarkdown(unit: number, columns: readonly (readonly Spent[])[], beside: readonly Beside[]): string {
  const { cpu, cores, node } = describeMachine();
  const numbers = FACTORS.map((factor) => (unit * factor).toLocaleString('en'));
  const alone = beside[0]!.backup.seconds;
  return `${[
    '# What years of snapshots cost',
    '',
    `${cpu}, ${cores} cores, Node ${node}, ${new Date().toISOString().slice(0, 10)}, one run.`,
    '',
    `| CPU seconds at … snapshots | ${numbers.join(' | ')} | peak MB |`,
    '|---|--:|--:|--:|--:|',
    ...columns[0]!.map(({ title }, i) => {
      const cells = columns.map((column) => column[i]!.cpuSeconds?.toFixed(2));
      return `| ${[title, ...cells, megabytes(columns.at(-1)![i]!.peakBytes)].join(' | ')} |`;
    }),
    '',
    '| a backup of new files | s | CPU s | times alone | collections |',
    '|---|--:|--:|--:|--:|',
    ...beside.map(({ title, backup, collections }) => {
      const { seconds, cpuSeconds } = backup;
      const cells = [seconds.toFixed(2), cpuSeconds?.toFixed(2), (seconds / alone).toFixed(2), collections];
      return `| ${[title, ...cells].join(' | ')} |`;
    }),
  ].join('\n')}\n`;
}

function megabytes(bytes: number | undefined): string {
  return ((bytes ?? Number.NaN) / 1e6).toFixed(0);
}
