/**
 * The proof behind `start`: restores what was backed up into a temporary folder and compares the two trees byte for byte
 * and with all metadata. It must never report equality it has not seen.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Snapshot, SQLITE_BACKUP } from '@keephold/engine';
import type { RestoredItem, RestoreReport } from '@keephold/engine/node';
import { compareTrees, type DifferenceKind, type TreeComparison, type TreeDifference } from '@keephold/source-files';
import type { ReadAccess } from '../access/open-for-reading.ts';
import type { Context } from '../context.ts';
import { InterruptedError } from '../errors.ts';
import type { LeftOut } from './left-out.ts';
import { runRestore } from './run-restore.ts';
import { removeTree, temporaryFolderFor } from './temporary-folder.ts';

export interface ProofRequest {
  readonly snapshot: Snapshot;
  /** The folder that was backed up: where it is, and its path in the snapshot. */
  readonly folder: string;
  readonly path: Uint8Array;
  /** Bytes of its files. */
  readonly bytes: number;
  readonly leftOut: LeftOut;
}

export interface Proof {
  readonly restored: RestoreReport;
  readonly compared: TreeComparison;
  /** The first of what differs. */
  readonly differences: readonly TreeDifference[];
  /** What was not restored, and why. */
  readonly missing: readonly RestoredItem[];
  /** Not compared: what SQLite made of databases in use, which lie on the disk in another form. */
  readonly databaseCopies: readonly Uint8Array[];
  /** Owners can only be restored, and compared, as root. */
  readonly ownersCompared: boolean;
}

const maxDifferences = 100;

export async function proveRestore(context: Context, access: ReadAccess, request: ProofRequest): Promise<Proof> {
  const privileged = process.geteuid?.() === 0;
  const target = temporaryFolderFor({
    bytes: request.bytes,
    places: [tmpdir(), join(context.environment.folders.cache, 'proof')],
    prefix: 'keephold-proof-',
    hint: 'the backup itself is done; set TMPDIR to a folder with more room, then run the same again',
  });
  try {
    const missing: RestoredItem[] = [];
    const databaseCopies: Uint8Array[] = [];
    const restored = await restoreInto(context, access, { ...request, target, privileged, missing, databaseCopies });
    const unrestored = new Set(missing.map(({ path }) => Buffer.from(path).toString('latin1')));
    const copied = new Set(databaseCopies.map((path) => Buffer.from(path).toString('latin1')));
    const differences: TreeDifference[] = [];
    const ignore: DifferenceKind[] = privileged ? [] : ['owner'];
    const compared = await compareTrees(request.folder, target, {
      signal: context.signal,
      ignore,
      changedSince: request.snapshot.time,
      skip: (path, isDirectory) => {
        const name = Buffer.from(path).toString('latin1');
        return unrestored.has(name) || copied.has(name) || request.leftOut(path, isDirectory);
      },
      onDifference: (difference) => {
        if (difference.weight !== 'hint' && differences.length < maxDifferences) differences.push(difference);
      },
    });
    return { restored, compared, differences, missing, databaseCopies, ownersCompared: privileged };
  } finally {
    removeTree(target);
  }
}

interface RestoreInto extends ProofRequest {
  readonly target: string;
  readonly privileged: boolean;
  /** Gets what was not restored. */
  readonly missing: RestoredItem[];
  /** Gets the paths of databases in use, and of the logs beside them. */
  readonly databaseCopies: Uint8Array[];
}

async function restoreInto(context: Context, access: ReadAccess, into: RestoreInto): Promise<RestoreReport> {
  const report = await runRestore(context, access, {
    snapshot: into.snapshot,
    path: into.path,
    target: { root: into.target, privileged: into.privileged, numericIds: true },
    select: { include: [], exclude: [] },
    overwrite: 'always',
    delete: false,
    dryRun: false,
    sync: false,
    use: 'look',
    onItem: (item) => {
      if (item.outcome === 'failed' || item.outcome === 'skipped') into.missing.push(item);
    },
    onNote: (path, note) => {
      if (note === SQLITE_BACKUP) into.databaseCopies.push(path.slice());
    },
  });
  if (report.interrupted) throw new InterruptedError();
  return report;
}
