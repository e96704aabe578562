/**
 * Peak memory of the real command with so many small files and with twice as many. Memory that goes with the number of
 * files shows in the ratio of the two, on any machine; how much a command takes altogether is for benchmarks.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeSmallFiles } from '../../bench/data/small-files.ts';
import { runMeasured } from '../../bench/measure/run-measured.ts';
import { WorkFolder } from '../../bench/measure/work-folder.ts';
import { keepholdEnvironment } from '../../bench/tools/keephold.ts';

const command = join(import.meta.dirname, '../../apps/keephold/src/keephold.ts');
/** As the published command has them. */
const heap = ['--max-semi-space-size=2', '--max-old-space-size=2000'];
const flags = ['--conditions=@keephold/source', '--disable-warning=ExperimentalWarning', ...heap];
const allocator = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' };

export type Step = 'backup' | 'check' | 'restore';

/** Bytes with the first number of files, and with twice as many. */
export type Peaks = readonly [once: number, twice: number];

export interface PeaksOptions {
  readonly files: number;
  readonly steps: readonly Step[];
  /** Of what is in the files. */
  readonly seed: number;
}

export async function peaksBySize({ files, steps, seed }: PeaksOptions): Promise<ReadonlyMap<Step, Peaks>> {
  using work = new WorkFolder();
  const source = work.fresh('source');
  writeSmallFiles(join(source, 'one'), { files, from: seed * 10_000_000 });
  writeSmallFiles(join(source, 'two'), { files, from: seed * 10_000_000 + files });
  const once = await peaksOf(work, { source: join(source, 'one'), steps });
  const twice = await peaksOf(work, { source, steps });
  return new Map(steps.map((step, i) => [step, [once[i]!, twice[i]!]]));
}

async function peaksOf(
  work: WorkFolder,
  { source, steps }: { readonly source: string; readonly steps: readonly Step[] },
): Promise<readonly number[]> {
  const place = { repository: work.fresh('repository'), state: work.fresh('state') };
  const target = join(work.path, 'restored');
  const run = async (...args: string[]): Promise<number> => {
    const { peakBytes } = await runMeasured(
      { program: process.execPath, args: [...flags, command, ...args, '--quiet'] },
      { environment: { ...keepholdEnvironment(place), ...allocator }, home: place.state },
    );
    if (peakBytes === undefined) throw new Error('this system does not tell the memory of a process');
    return peakBytes;
  };
  const commands: Readonly<Record<Step, readonly string[]>> = {
    backup: ['backup', source],
    check: ['check', '--read-data'],
    restore: ['restore', `latest:${source}`, '--target', target],
  };
  await run('init', '--trusted');
  const peaks: number[] = [];
  for (const step of steps) {
    mkdirSync(target, { recursive: true });
    peaks.push(await run(...commands[step]));
    rmSync(target, { recursive: true, force: true });
  }
  return peaks;
}
