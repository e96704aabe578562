/**
 * What a server on the same machine adds to a backup, and to a restore, of a folder: side by side, taking turns; and
 * restic through its own server, where both are installed.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { mediaFiles } from '../data/media-files.ts';
import { textFiles } from '../data/text-files.ts';
import { type Measured, runMeasured } from '../measure/run-measured.ts';
import { copyTree, settleDisk, WorkFolder } from '../measure/work-folder.ts';
import { describeMachine } from '../report/machine.ts';
import { writeResultFiles } from '../report/result-files.ts';
import type { BackupTool, Invocation, Place } from '../tools/backup-tool.ts';
import { builtCommand, installedTools } from '../tools/installed-tools.ts';
import { keepholdEnvironment } from '../tools/keephold.ts';
import { startServer } from './nights/servers.ts';
import { findResticServer, startResticServer } from './restic-server.ts';

const steps = ['first backup', 'nothing changed', 'full restore'] as const;
type Step = (typeof steps)[number];

type Way = 'embedded' | 'server' | 'restic';

interface Row {
  readonly way: Way;
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
  const peer = resticThroughServer();
  const cycles: Readonly<Partial<Record<Way, () => Promise<Cycle>>>> = {
    embedded: async () => await embedded(work, source),
    server: async () => await throughServer(work, source),
    ...(peer !== undefined && { restic: async () => await peer.cycle(work, source) }),
  };
  const rows: Row[] = [];
  const serverPeaks: number[] = [];
  for (let run = 0; run < runs; run++) {
    const turns = Object.entries(cycles) as (readonly [Way, () => Promise<Cycle>])[];
    for (const [way, cycleOf] of run % 2 === 0 ? turns : turns.toReversed()) {
      const measured = await cycleOf();
      for (const step of steps) rows.push({ way, step, run, ...measured.steps[step] });
      if (measured.serverPeak !== undefined) serverPeaks.push(measured.serverPeak);
    }
  }
  const report = toMarkdown(rows, { runs, serverPeak: Math.max(...serverPeaks), peer: peer?.version });
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

/** `undefined` where restic or its server is not installed. */
function resticThroughServer(): (Peer & { readonly version: string }) | undefined {
  const program = findResticServer();
  const restic = installedTools(['restic']).tools.find(({ name }) => name === 'restic');
  if (program === undefined || restic === undefined) return undefined;
  return {
    version: restic.version,
    cycle: async (work, source) => {
      const server = await startResticServer(program, work.fresh('restic-server'));
      try {
        return {
          steps: await cycleOfPeer(restic, { source, repository: server.repository, state: work.fresh('state') }, work),
        };
      } finally {
        await server.stop();
      }
    },
  };
}

interface Peer {
  readonly cycle: (work: WorkFolder, source: string) => Promise<Cycle>;
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

async function cycleOfPeer(tool: BackupTool, place: Place, work: WorkFolder): Promise<Cycle['steps']> {
  const options = { environment: tool.environment(place), home: place.state };
  const run = async (invocation: Invocation): Promise<Measured> => {
    settleDisk();
    return await runMeasured(invocation, options);
  };
  for (const invocation of tool.init(place)) await run(invocation);
  const measured = {
    'first backup': await run(tool.backup(place, 'v0')),
    'nothing changed': await run(tool.backup(place, 'v1')),
    'full restore': await run(tool.restore(place, 'v1', work.fresh('restored')).invocation),
  };
  rmSync(join(work.path, 'restored'), { recursive: true });
  return measured;
}

interface Figures {
  readonly runs: number;
  readonly serverPeak: number;
  readonly peer: string | undefined;
}

function toMarkdown(rows: readonly Row[], { runs, serverPeak, peer }: Figures): string {
  const { cpu, cores, node } = describeMachine();
  const line = (step: Step): string => {
    const of = (way: Row['way']): readonly Row[] => rows.filter((row) => row.way === way && row.step === step);
    const [alone, served] = [median(of('embedded')), median(of('server'))];
    const peak = Math.max(...of('server').map(({ peakBytes }) => peakBytes ?? 0));
    const cells = [alone.toFixed(2), served.toFixed(2), (served / alone).toFixed(2), `${(peak / 1e6).toFixed(0)} MB`];
    if (peer !== undefined) {
      const other = median(of('restic'));
      cells.push(other.toFixed(2), (served / other).toFixed(2));
    }
    return `| ${[step, ...cells].join(' | ')} |`;
  };
  return `${[
    '# Through a server on the same machine',
    '',
    `${cpu}, ${cores} cores that server and device share, Node ${node}, ${new Date().toISOString().slice(0, 10)}, medians of ${runs}; the server held at most ${(serverPeak / 1e6).toFixed(0)} MB.`,
    '',
    `| step | folder, s | server, s | times | the device held |${peer === undefined ? '' : ` ${peer} and its server, s | server, times that |`}`,
    `|---|--:|--:|--:|--:|${peer === undefined ? '' : '--:|--:|'}`,
    ...steps.map(line),
  ].join('\n')}\n`;
}

function median(rows: readonly Row[]): number {
  const sorted = rows.map(({ seconds }) => seconds).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
