/** A thousand devices that back up to one server in one night, and to two that share PostgreSQL. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { WorkFolder } from '../measure/work-folder.ts';
import { describeMachine } from '../report/machine.ts';
import { writeResultFiles } from '../report/result-files.ts';
import { type Night, runNight } from './nights/night.ts';
import { loadParts } from './nights/parts.ts';

export type Ledger = 'sqlite' | 'postgres';

export interface NightShape {
  readonly ledger: Ledger;
  readonly devices: number;
  readonly within: number;
  readonly age: number;
}

type Summary = Omit<Night, 'metadata' | 'transfers'> &
  NightShape & {
    /** Milliseconds. */
    readonly metadata: Quantiles;
    readonly transfers: Quantiles;
  };

interface Quantiles {
  readonly half: number;
  readonly p99: number;
  readonly most: number;
}

export async function proveDevicesNight(options: { readonly quick: boolean; readonly ledgers: string }): Promise<void> {
  const { quick } = options;
  const size = quick ? { devices: 60, within: 20 } : { devices: 1000, within: 360 };
  const all: Summary[] = [];
  for (const ledger of ['sqlite', 'postgres'] as const) {
    if (options.ledgers !== '' && options.ledgers !== ledger) continue;
    // A young vault and an old one: what a backup costs must not grow with the nights behind it.
    all.push(inOwnProcess({ ...size, ledger, age: 1 }));
    all.push(inOwnProcess({ devices: 30, within: 10, ledger, age: 1 }));
    all.push(inOwnProcess({ devices: 30, within: 10, ledger, age: quick ? 20 : 200 }));
  }
  const report = toMarkdown(all);
  const name = { date: new Date().toISOString(), what: 'scale-devices', quick };
  console.log(`${report}\n${writeResultFiles(name, { md: report, json: `${JSON.stringify(all, null, 1)}\n` })}`);
  await Promise.resolve();
}

/** One that can resolve the sources. */
function inOwnProcess(shape: NightShape): Summary {
  const args = ['--conditions=@keephold/source', '--disable-warning=ExperimentalWarning'];
  const script = join(import.meta.dirname, '../scale.ts');
  const output = execFileSync(process.execPath, [...args, script, 'night', JSON.stringify(shape)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(output.toString()) as Summary;
}

export async function nightOf(shape: NightShape): Promise<Summary> {
  using work = new WorkFolder();
  const parts = await loadParts();
  const folder = work.fresh('server');
  const { metadata, transfers, ...night } = await withDatabase(shape.ledger, async (database) => {
    const servers = database === undefined ? 1 : 2;
    return await runNight(parts, { ...shape, folder, database, servers });
  });
  return { ...shape, ...night, metadata: quantiles(metadata), transfers: quantiles(transfers) };
}

async function withDatabase<T>(ledger: Ledger, work: (database: string | undefined) => Promise<T>): Promise<T> {
  if (ledger === 'sqlite') return await work(undefined);
  const { startPostgres, hasPostgres } = await loadParts();
  if (!hasPostgres) throw new Error('needs PostgreSQL: apt install postgresql');
  await using cluster = await startPostgres({ isDurable: true });
  return await work(await cluster.newDatabase());
}

function quantiles(sorted: readonly number[]): Quantiles {
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  return { half: at(0.5), p99: at(0.99), most: at(1) };
}

const HOUR = 3600;

function toMarkdown(all: readonly Summary[]): string {
  const { cpu, cores, node } = describeMachine();
  const heading = [
    ...['Ledger', 'Servers', 'Devices', 'Nights before', 'Begun within', 'Took', 'Stored', 'At once', 'Failed', 'Lost'],
    ...[
      'Requests each',
      'Metadata: half, 99 %, most',
      'Packs: half, 99 %, most',
      'CPU of servers',
      'Memory of a server',
    ],
  ];
  return `${[
    '# A night of many devices',
    '',
    `${cpu}, ${cores} cores that servers, database and devices share, Node ${node}, ${new Date().toISOString().slice(0, 10)}, one run. Each device stores 20 MB of new data in three packs, over HTTP on loopback. An hour of night is squeezed into what "begun within" says.`,
    '',
    `| ${heading.join(' | ')} |`,
    `|${heading.map((_, column) => (column === 0 ? '---' : '--:')).join('|')}|`,
    ...all.map((each) => `| ${rowOf(each).join(' | ')} |`),
  ].join('\n')}\n`;
}

function rowOf(each: Summary): readonly (string | number)[] {
  const { ledger, servers, devices, age, within, seconds, bytes, atOnce, failures, lost, requests } = each;
  const cpuSeconds = servers.reduce((sum, server) => sum + server.cpuSeconds, 0);
  const peak = Math.max(...servers.map(({ peakBytes }) => peakBytes));
  return [
    ...[ledger, servers.length, devices, age, `${within} s (1/${Math.round(HOUR / within)} h)`],
    ...[`${seconds.toFixed(0)} s`, `${(bytes / 1e9).toFixed(1)} GB`, atOnce, failures.length, lost],
    ...[(requests / devices).toFixed(1), milliseconds(each.metadata), milliseconds(each.transfers)],
    ...[`${cpuSeconds.toFixed(0)} s`, `${(peak / 1e6).toFixed(0)} MB`],
  ];
}

function milliseconds({ half, p99, most }: Quantiles): string {
  return `${[half, p99, most].map((value) => value.toFixed(value < 10 ? 1 : 0)).join(', ')} ms`;
}
