/**
 * Several devices on one vault at once, each a real process a command, and one of them malicious: all that the others
 * committed comes back bit for bit. What they do is drawn from the seed; when it happens is up to the machine.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { SeededRandom } from '../crash/seeded-random.ts';
import { ending } from '../crash/world.ts';
import { type Device, recordsOf, SharedVault } from './shared-vault.ts';

export interface SeveralWriters {
  readonly seed: number;
  /** The last one is malicious. */
  readonly devices: number;
  /** Commands of each honest device after its first backup. */
  readonly steps: number;
  readonly maliciousActs: number;
  /** Snapshots of each device that are restored in the end, the newest first. */
  readonly restored: number;
}

export interface WritersReport {
  readonly backups: number;
  readonly forgotten: number;
  readonly collections: number;
  readonly restored: number;
  /** By act and outcome. */
  readonly acts: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** @throws Error that says what was lost, or which command failed. */
export async function severalWriters(options: SeveralWriters): Promise<WritersReport> {
  const random = new SeededRandom(options.seed);
  using vault = new SharedVault(options.devices);
  const [first, ...others] = vault.devices as [Device, ...Device[]];
  const counts = { backups: 0, forgotten: 0, collections: 0, restored: 0 };
  await first.must(['init']);
  const malicious = others.pop()!;
  malicious.edit(random);
  await malicious.backup();
  const honest = [first, ...others];
  const seeds = honest.map(() => random.below(2 ** 31));
  const lives = honest.map(async (device, i) => await live(device, new SeededRandom(seeds[i]!), options.steps, counts));
  const acts = harm(vault, malicious, { seed: random.below(2 ** 31), acts: options.maliciousActs });
  // All end before anything is judged, or left behind.
  const ended = await Promise.allSettled([acts, ...lives]);
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  await judge(vault, honest, options.restored, counts);
  return { ...counts, acts: await acts };
}

type Counts = { -readonly [K in Exclude<keyof WritersReport, 'acts'>]: number };

async function live(device: Device, random: SeededRandom, steps: number, counts: Counts): Promise<void> {
  device.edit(random);
  await device.backup();
  counts.backups += 1;
  for (let step = 0; step < steps; step++) {
    const draw = random.below(10);
    const oldest = Math.min(...device.committed.keys());
    if (draw < 2 && device.committed.size > 1) {
      await device.forget(oldest);
      counts.forgotten += 1;
    } else if (draw < 4) {
      await device.must(['gc', '--trash-days', '0', '--purge-days', '0']);
      counts.collections += 1;
    } else {
      if (draw < 9) device.edit(random);
      await device.backup();
      counts.backups += 1;
    }
  }
}

async function harm(
  vault: SharedVault,
  device: Device,
  { seed, acts }: { readonly seed: number; readonly acts: number },
): Promise<WritersReport['acts']> {
  const program = join(import.meta.dirname, '_malicious-process.ts');
  const flags = ['--conditions=@keephold/source', '--disable-warning=ExperimentalWarning'];
  const args = [...flags, program, vault.repository, device.stateFolder, String(seed), String(acts)];
  const { exitCode, stdout, stderr } = await ending(
    spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } }),
  );
  if (exitCode !== 0) throw new Error(`the malicious device ended with ${exitCode}: ${stderr}`);
  return JSON.parse(stdout) as WritersReport['acts'];
}

async function judge(vault: SharedVault, honest: readonly Device[], restored: number, counts: Counts): Promise<void> {
  // Space is reclaimed once more: what the malicious device had marked goes now.
  await honest[0]!.must(['gc', '--trash-days', '0', '--purge-days', '0']);
  const { stdout } = await vault.reader.run(['check', '--read-data', '--json']);
  expectUnaffected(recordsOf(stdout), honest);
  for (const device of honest) {
    for (const seq of [...device.committed.keys()].toReversed().slice(0, restored)) {
      await vault.reader.expectRestored(device, seq);
      counts.restored += 1;
    }
  }
}

/** Problems there may be, of what the malicious device made: none of them touches a snapshot of the others. */
function expectUnaffected(records: readonly Readonly<Record<string, unknown>>[], honest: readonly Device[]): void {
  if (!records.some(({ type }) => type === 'summary')) throw new Error('check did not come to an end');
  const own = new Set(honest.flatMap(({ committed }) => [...committed.keys()]));
  for (const { type, what, affects } of records) {
    if (type !== 'problem') continue;
    const touched = (affects as readonly string[]).filter((place) => own.has(Number(/^#(\d+)/.exec(place)?.[1])));
    if (touched.length > 0) throw new Error(`check: ${String(what)} affects ${touched.join(', ')}`);
  }
}
