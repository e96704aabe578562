/** Puts a restore together: what is wanted, where it goes, the workers, the live line. */
import { availableParallelism, uptime } from 'node:os';
import type { Snapshot } from '@keephold/engine';
import { type RestoredItem, type RestoreReport, restore } from '@keephold/engine/node';
import {
  createSelector,
  createTarget,
  isTemporaryName,
  type SelectorConfig,
  type TargetConfig,
} from '@keephold/source-files';
import type { ReadAccess } from '../access/open-for-reading.ts';
import { ownFoldersBelow } from '../access/own-folders.ts';
import type { Context } from '../context.ts';
import { ProgressLine } from '../terminal/progress-line.ts';
import { spawnRestoreWorker } from '../workers.ts';
import { beginRestoreNote, type RestoreNote } from './restore-note.ts';

type Select = ReturnType<typeof createSelector>['select'];

export interface RestoreRequest {
  readonly snapshot: Snapshot;
  /** In the snapshot; empty: everything. */
  readonly path: Uint8Array;
  readonly target: TargetConfig;
  readonly select: SelectorConfig;
  /** Less of what is selected, under a name that tells it from the rest. */
  readonly narrow?: { readonly name: string; readonly select: (wanted: Select) => Select } | undefined;
  readonly overwrite: 'never' | 'if-changed' | 'always';
  readonly delete: boolean;
  readonly dryRun: boolean;
  /** Wait until all of it is on the disk. */
  readonly sync: boolean;
  /** Kept, or thrown away after a look at it. */
  readonly use: 'keep' | 'look';
  readonly onItem: (item: RestoredItem) => void;
  /** Told of files that were not read plainly when they were backed up. */
  readonly onNote?: (path: Uint8Array, note: string) => void;
}

/** Throws RestoreError `no-room`, which carries the report so far. */
export async function runRestore(
  context: Context,
  access: ReadAccess,
  request: RestoreRequest,
): Promise<RestoreReport> {
  const { out, signal } = context;
  const protectedPaths = ownFoldersBelow(context, request.target.root);
  const note = request.use === 'keep' && !request.dryRun ? beginNote(context, request) : undefined;
  const selector = createSelector(request.select);
  const wanted: Select = (path, isDirectory) => selector.select(path, isDirectory);
  const progress = new ProgressLine(out, request.dryRun ? 'looking' : 'restoring');
  try {
    const report = await restore({
      repository: access.repository,
      snapshot: request.snapshot,
      path: request.path,
      target: request.target,
      createTarget,
      spawnWorker: spawnRestoreWorker,
      workers: availableParallelism(),
      overwrite: note?.trustsFiles === false && request.overwrite === 'if-changed' ? 'always' : request.overwrite,
      delete: request.delete,
      protectedPaths,
      dryRun: request.dryRun,
      durable: request.sync,
      select: request.narrow?.select(wanted) ?? wanted,
      isLeftover: isTemporaryName,
      signal,
      onProgress: ({ items, bytes, failed, planned, currentPath }) =>
        progress.update({
          files: items,
          bytes,
          errors: failed,
          currentPath,
          ...(planned.complete && { totalFiles: planned.items, totalBytes: planned.bytes }),
        }),
      onItem: request.onItem,
      onNote: request.onNote,
    });
    // What was left as it was is not vouched for.
    const isAllNew = note?.trustsFiles === true || request.overwrite !== 'never';
    if (!report.interrupted && isAllNew) note?.finish({ durable: request.sync });
    return report;
  } finally {
    progress.end();
  }
}

function beginNote(context: Context, { target, path, select, narrow, overwrite }: RestoreRequest): RestoreNote {
  const { environment, out } = context;
  const stateFolder = environment.folders.state;
  const what = JSON.stringify([
    Buffer.from(path).toString('latin1'),
    select,
    ...(narrow === undefined ? [] : [narrow.name]),
  ]);
  const startedAt = context.now() - uptime() * 1000;
  const note = beginRestoreNote({ stateFolder, target: target.root, what, startedAt });
  if (note.trustsFiles) return note;
  const why = 'the machine was started anew since an earlier restore to this folder, which may not all be on the disk';
  if (overwrite === 'never') out.warn(`${why}; --overwrite never leaves what is there, so some may lack its contents`);
  else out.note(`${why}: everything is written anew`);
  return note;
}
