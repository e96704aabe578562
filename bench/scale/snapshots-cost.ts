/** What years of snapshots cost: the verbs that deal with them at 1×, 2× and 4× the number. */
import type { Measured } from '../measure/run-measured.ts';
import { WorkFolder } from '../measure/work-folder.ts';
import { describeMachine } from '../report/machine.ts';
import { writeResultFiles } from '../report/result-files.ts';
import type { KeepholdPlace } from './keephold-place.ts';
import { plantedPlace } from './planted-place.ts';

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

export async function proveSnapshotsCost({ quick }: { readonly quick: boolean }): Promise<void> {
  const unit = quick ? 250 : 2500;
  using work = new WorkFolder();
  const columns: (readonly Spent[])[] = [];
  for (const factor of FACTORS) {
    const place = plantedPlace(work, unit * factor);
    columns.push(await snapshotSteps(place));
    console.log(
      `${unit * factor} snapshots: ${columns
        .at(-1)!
        .map(({ cpuSeconds }) => cpuSeconds?.toFixed(2))
        .join(', ')} CPU s`,
    );
  }
  const report = toMarkdown(unit, columns);
  const name = { date: new Date().toISOString(), what: 'scale-snapshots', quick };
  const json = `${JSON.stringify({ unit, columns }, null, 1)}\n`;
  console.log(`${report}\n${writeResultFiles(name, { md: report, json })}`);
}

/** What each of them takes, in this order. */
export async function snapshotSteps(place: KeepholdPlace): Promise<readonly Spent[]> {
  const spent: Spent[] = [];
  for (const [title, ...args] of STEPS) spent.push({ title, ...(await place.run(...args)) });
  await place.backup();
  spent.push({ title: 'backup, nothing changed', ...(await place.backup()) });
  return spent;
}

function toMarkdown(unit: number, columns: readonly (readonly Spent[])[]): string {
  const { cpu, cores, node } = describeMachine();
  const numbers = FACTORS.map((factor) => (unit * factor).toLocaleString('en'));
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
  ].join('\n')}\n`;
}

function megabytes(bytes: number | undefined): string {
  return ((bytes ?? Number.NaN) / 1e6).toFixed(0);
}
