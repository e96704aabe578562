/** Restores some files of a snapshot, by the same way as any restore. */
import { availableParallelism } from 'node:os';
import type { Repository, Snapshot } from '@keephold/engine';
import { type RestoredItem, type RestoreReport, restore } from '@keephold/engine/node';
import { createTarget } from '@keephold/source-files';
import { spawnReadWorker } from '../../workers.ts';

export interface FilesToRestore {
  readonly repository: Repository;
  readonly snapshot: Snapshot;
  /** In the snapshot. */
  readonly paths: readonly Uint8Array[];
  /** The folder that stands for the root of the snapshot. */
  readonly root: string;
  readonly signal: AbortSignal;
  readonly onItem: (item: RestoredItem) => void;
}

const slash = 0x2f;

/** Throws RestoreError `no-room`. */
export async function restoreFiles(request: FilesToRestore): Promise<RestoreReport> {
  const { repository, snapshot, paths, root, signal, onItem } = request;
  const wanted = new Set(paths.map(latin1));
  const folders = new Set(paths.flatMap(foldersAbove));
  return await restore({
    repository,
    snapshot,
    path: new Uint8Array(),
    target: { root, privileged: false, numericIds: true },
    createTarget,
    spawnWorker: spawnReadWorker,
    workers: availableParallelism(),
    overwrite: 'always',
    delete: false,
    dryRun: false,
    // It is looked at and thrown away.
    durable: false,
    select: (path, isDirectory) => {
      if (isDirectory) return folders.has(latin1(path)) ? 'descend' : 'skipped';
      return wanted.has(latin1(path)) ? 'selected' : 'skipped';
    },
    signal,
    onItem,
  });
}

/** The root included. */
function foldersAbove(path: Uint8Array): string[] {
  const folders = [''];
  for (let at = path.indexOf(slash); at >= 0; at = path.indexOf(slash, at + 1))
    folders.push(latin1(path.subarray(0, at)));
  return folders;
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
