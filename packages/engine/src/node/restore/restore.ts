/**
 * Restores a snapshot, or a part of it, into a target. The main thread walks the tree, decides and plans; worker threads
 * open, decompress, verify and write. Every item gets exactly one outcome; running it again goes on where it stopped.
 */
import type { Worker } from 'node:worker_threads';
import { NodeType } from '../../node-fields.ts';
import type { SnapshotRoot } from '../../reading/repository.ts';
import type { Target } from '../../target.ts';
import { Account, type RestoredItem, type RestoreProgress, type RestoreReport } from './account.ts';
import { areasWithin, ReadPool } from './pack-reading/read-pool.ts';
import type { ReadableRepository } from './readable-repository.ts';
import { RestoreError } from './restore-error.ts';
import { RestoreRun } from './restore-run.ts';
import { RestoreWalk } from './restore-walk.ts';
import type { Overwrite } from './target-directory.ts';
import type { Select } from './walk-options.ts';

export interface RestoreOptions<Config> {
  readonly repository: ReadableRepository;
  readonly snapshot: SnapshotRoot;
  /** Path in the snapshot, components joined by '/'; empty: everything. What a directory contains lands in the root. */
  readonly path: Uint8Array;
  /** Plain data that each thread makes its own target of. */
  readonly target: Config;
  readonly createTarget: (config: Config) => Target;
  /** Starts a thread whose entry calls runReadWorker. */
  readonly spawnWorker: () => Worker;
  readonly workers: number;
  /** Bytes all of it may use: bounds how many packs are in memory at once. */
  readonly memory?: number | undefined;
  readonly overwrite: Overwrite;
  /** Remove what the snapshot does not have, at the very end. */
  readonly delete: boolean;
  /** Folders, relative to the root, of which nothing is removed, even where what the snapshot has stands against it. */
  readonly protectedPaths?: readonly Uint8Array[] | undefined;
  /** Whether what was restored is to outlast a power cut from the report on; waiting for the disk takes time. */
  readonly durable: boolean;
  /** Say what would be done and change nothing. */
  readonly dryRun: boolean;
  /** Which paths (relative to the root) are wanted; everything without it. */
  readonly select?: Select | undefined;
  /** Names that a killed restore may have left behind and that may be removed. */
  readonly isLeftover?: ((name: Uint8Array) => boolean) | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: RestoreProgress) => void) | undefined;
  readonly onItem?: ((item: RestoredItem) => void) | undefined;
  /** Told of files that were not read plainly when they were backed up: path and capture note (format.md §6). */
  readonly onNote?: ((path: Uint8Array, note: string) => void) | undefined;
  /** False: only node:crypto and node:zlib. */
  readonly native?: boolean | undefined;
}

/**
 * @throws RestoreError 'no-room' when the target is full; EngineError 'not-found' for a path that is not there
 */
export async function restore<Config>(options: RestoreOptions<Config>): Promise<RestoreReport> {
  const started = performance.now();
  const areas = areasWithin(options.memory, options.workers + 1);
  const target = options.createTarget(options.target);
  const account = new Account(options.onItem);
  const pool = options.dryRun ? undefined : new ReadPool({ ...options, areas, idKey: options.repository.idKey });
  try {
    const walk = await startWalk(options, target, account);
    let noRoom: string | undefined;
    if (pool === undefined) await dryRun(walk, options.signal);
    else {
      const onProgress = (): void => options.onProgress?.(account.progress());
      const run = new RestoreRun({ walk, pool, areas, signal: options.signal, onProgress });
      await run.run();
      noRoom = run.noRoom?.reason;
      if (options.durable) target.sync();
    }
    const report = account.report(performance.now() - started, options.signal.aborted);
    if (noRoom !== undefined) throw new RestoreError('no-room', `restore: the target is full: ${noRoom}`, report);
    return report;
  } finally {
    await pool?.close();
    target.close();
  }
}

async function startWalk<Config>(
  options: RestoreOptions<Config>,
  target: Target,
  account: Account,
): Promise<RestoreWalk> {
  const { repository, snapshot, path } = options;
  // The root stands for no directory that had metadata.
  const node = path.length === 0 ? undefined : await repository.nodeAt(snapshot, path);
  const isDirectory = node === undefined || node.type === NodeType.directory;
  return new RestoreWalk({
    ...options,
    root: isDirectory ? node : undefined,
    single: isDirectory ? undefined : node,
    target,
    account,
    select: options.select ?? (() => 'selected'),
    // Beside a single file everything is foreign.
    delete: options.delete && isDirectory,
    protectedPaths: options.protectedPaths ?? [],
    isLeftover: options.isLeftover ?? (() => false),
    onNote: options.onNote ?? (() => undefined),
  });
}

/** The walk alone decides everything when nothing is written. */
async function dryRun(walk: RestoreWalk, signal: AbortSignal): Promise<void> {
  for await (const _ of walk.slices()) if (signal.aborted) return;
  for (const { path } of walk.strangers) {
    const type = walk.options.target.inspect(path)?.type ?? NodeType.file;
    walk.options.account.add({ path, type, outcome: 'deleted' });
  }
}
