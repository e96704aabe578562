/** What a server on the same machine adds to a backup, and to a restore, of a folder: side by side, taking turns. */
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { mediaFiles } from '../data/media-files.ts';
import { textFiles } from '../data/text-files.ts';
import { type Measured, runMeasured } from '../measure/run-measured.ts';
import { copyTree, settleDisk, WorkFolder } from '../measure/work-folder.ts';
import { describeMachine } from '../report/machine.ts';
import { writeResultFiles } from '../report/result-files.ts';
import { builtCommand } from '../tools/installed-tools.ts';
import { keepholdEnvironment } from '../tools/keephold.ts';
import { startServer } from './nights/servers.ts';

const steps = ['first backup', 'nothing changed', 'full restore'] as const;
type Step = (typeof steps)[number];

interface Row {
  readonly way: 'embedded' | 'server';
  readonly step: Step;
  readonly run: number;
  readonly seconds: number;
  readonly cpuSeconds: number | undefined;
  readonly peakBytes: number | undefined;
}

interface Options {
  readonly quick: boolean;
  readonly runs: number;
  /** What is backed up; one is made without it. */
  readonly folder: string | undefined;
}

export async function proveThroughServer({ quick, runs, folder }: Options): Promise<void> {
  using work = new WorkFolder();
  const source = work.fresh('live');
  if (folder === undefined) makeSource(source, quick ? 0.1 : 1);
  else copyTree(resolve(folder), source);
  const rows: Row[] = [];
  const serverPeaks: number[] = [];
  for (let run = 0; run < runs; run++) {
    const ways = ['embedded', 'server'] as const;
    for (const way of run % 2 === 0 ? ways : ways.toReversed()) {
      const measured = way === 'embedded' ? await embedded(work, source) : await throughServer(work, source);
      for (const step of steps) rows.push({ way, step, run, ...measured.steps[step] });
      if (measured.serverPeak !== undefined) serverPeaks.push(measured.serverPeak);
    }
  }
  const report = toMarkdown(rows, { runs, serverPeak: Math.max(...serverPeaks) });
  const name = { date: new Date().toISOString(), what: 'scale-server', quick };
  console.log(`${report}\n${writeResultFiles(name, { md: report, json: `${JSON.stringify(rows, null, 1)}\n` })}`);
}

function makeSource(source: string, scale: number): void {
  const [text, media] = [join(source, 'text'), join(source, 'media')];
  for (const [folder, set] of [
    [text, textFiles({ files: 20_000 * scale, bytes: 200e6 * scale })],
    [media, mediaFiles(300e6 * scale)],
  ] as const) {
    mkdirSync(folder);
    set.make(folder);
  }
}

interface Cycle {
  readonly steps: Readonly<Record<Step, Measured>>;
  readonly serverPeak?: number;
}

async function embedded(work: WorkFolder, source: string): Promise<Cycle> {
  const command = commandIn(work, work.fresh('repository'));
  await command.run('init', '--trusted');
  return { steps: await cycle(work, source, command) };
}

async function throughServer(work: WorkFolder, source: string): Promise<Cycle> {
  const server = await startServer(work.fresh('server'), undefined);
  const command = commandIn(work, server.url);
  await command.run('init', '--trusted', '--invitation', server.invitation ?? '');
  const measured = await cycle(work, source, command);
  return { steps: measured, serverPeak: (await server.stop()).peakBytes };
}

interface Command {
  run(...args: string[]): Promise<Measured>;
}

function commandIn(work: WorkFolder, repository: string): Command {
  const state = work.fresh('state');
  const environment = keepholdEnvironment({ repository, state });
  return {
    run: async (...args) => {
      settleDisk();
      return await runMeasured({ program: builtCommand, args: [...args, '--quiet'] }, { environment, home: state });
    },
  };
}

async function cycle(work: WorkFolder, source: string, command: Command): Promise<Readonly<Record<Step, Measured>>> {
  const measured = {
    'first backup': await command.run('backup', source),
    'nothing changed': await command.run('backup', source),
    'full restore': await command.run('restore', `latest:${source}`, '--target', work.fresh('restored')),
  };
  rmSync(join(work.path, 'restored'), { recursive: true });
  return measured;
}

function toMarkdown(
  rows: readonly Row[],
  { runs, serverPeak }: { readonly runs: number; readonly serverPeak: number },
): string {
  const { cpu, cores, node } = describeMachine();
  const line = (step: Step): string => {
    const of = (way: Row['way']): readonly Row[] => rows.filter((row) => row.way === way && row.step === step);
    const [alone, served] = [median(of('embedded')), median(of('server'))];
    const peak = Math.max(...of('server').map(({ peakBytes }) => peakBytes ?? 0));
    const cells = [alone.toFixed(2), served.toFixed(2), (served / alone).toFixed(2), `${(peak / 1e6).toFixed(0)} MB`];
    return `| ${[step, ...cells].join(' | ')} |`;
  };
  return `${[
    '# Through a server on the same machine',
    '',
    `${cpu}, ${cores} cores that server and device share, Node ${node}, ${new Date().toISOString().slice(0, 10)}, medians of ${runs}; the server held at most ${(serverPeak / 1e6).toFixed(0)} MB.`,
    '',
    '| step | folder, s | server, s | times | the device held |',
    '|---|--:|--:|--:|--:|',
    ...steps.map(line),
  ].join('\n')}\n`;
}

function median(rows: readonly Row[]): number {
  const sorted = rows.map(({ seconds }) => seconds).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
