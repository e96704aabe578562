/** Two million small files: what each step takes, by the built command, and that its memory stays bounded. */
import { writeSmallFiles } from '../data/small-files.ts';
import type { Measured } from '../measure/run-measured.ts';
import { WorkFolder } from '../measure/work-folder.ts';
import { describeMachine } from '../report/machine.ts';
import { writeResultFiles } from '../report/result-files.ts';
import { KeepholdPlace } from './keephold-place.ts';

const MEMORY_BUDGET = 256e6;

interface Row extends Measured {
  readonly title: string;
}

export async function proveManyFiles({ quick }: { readonly quick: boolean }): Promise<void> {
  const files = quick ? 50_000 : 2_000_000;
  using work = new WorkFolder();
  const place = new KeepholdPlace(work);
  writeSmallFiles(place.source, { files });
  await place.init();
  const steps: readonly (readonly [string, () => Promise<Measured>])[] = [
    ['first backup', () => place.backup()],
    ['nothing changed', () => place.backup()],
    ['list every path', () => place.run('ls', '--recursive', 'latest')],
    ['find by name', () => place.run('find', 'note-007.txt')],
    ['full restore', () => place.restore()],
    ['check', () => place.run('check')],
    ['check of every byte', () => place.check()],
  ];
  const rows: Row[] = [];
  for (const [title, run] of steps) {
    rows.push({ title, ...(await run()) });
    console.log(`${title}: ${rows.at(-1)!.seconds.toFixed(1)} s`);
  }
  const report = toMarkdown(files, rows);
  const name = { date: new Date().toISOString(), what: 'scale-many-files', quick };
  console.log(`${report}\n${writeResultFiles(name, { md: report, json: `${JSON.stringify(rows, null, 1)}\n` })}`);
}

function toMarkdown(files: number, rows: readonly Row[]): string {
  const { cpu, cores, node } = describeMachine();
  const worst = Math.max(...rows.map(({ peakBytes = Number.NaN }) => peakBytes));
  return `${[
    `# ${files.toLocaleString('en')} small files`,
    '',
    `${cpu}, ${cores} cores, Node ${node}, ${new Date().toISOString().slice(0, 10)}, one run.`,
    '',
    '| | s | CPU s | CPU µs a file | peak MB |',
    '|---|--:|--:|--:|--:|',
    ...rows.map(({ title, seconds, cpuSeconds = Number.NaN, peakBytes = Number.NaN }) => {
      const cells = [seconds.toFixed(1), cpuSeconds.toFixed(1), ((cpuSeconds / files) * 1e6).toFixed(1)];
      return `| ${[title, ...cells, (peakBytes / 1e6).toFixed(0)].join(' | ')} |`;
    }),
    '',
    `- memory of at most ${MEMORY_BUDGET / 1e6} MB: ${worst <= MEMORY_BUDGET ? 'holds' : '**does not hold**'}`,
  ].join('\n')}\n`;
}
