/** Puts a backup together: the device's keys and sessions, the files, the workers, the live line. */
import { lstatSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { ed25519FromSeed, sign, systemRandom } from '@keephold/crypto';
import { type BackupReport, backup } from '@keephold/engine/node';
import { dedupAuthors } from '@keephold/protocol';
import {
  createDatabaseCopies,
  createFileSource,
  type ExcluderConfig,
  type SnapshotAccount,
  type SourceSnapshots,
} from '@keephold/source-files';
import { writeKeysOf } from '@keephold/vault';
import { cacheFolder } from '../access/cache-folder.ts';
import type { DeviceAccess } from '../access/open-device.ts';
import { ownFoldersBelow } from '../access/own-folders.ts';
import { confirmSession, nextSession } from '../access/sessions.ts';
import { streamOf } from '../access/streams.ts';
import { bytesFromRawText } from '../command-line/raw-text.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../errors.ts';
import { ProgressLine } from '../terminal/progress-line.ts';
import { spawnBackupWorker, spawnDatabaseCopyProcess } from '../workers.ts';
import { journalFor } from './changed-folders.ts';
import { createFileFilter } from './file-filter.ts';
import { ownFoldersOf, realRoot, rootBytes } from './named-roots.ts';
import { foreseeSnapshots, type SnapshotUse, takeSnapshots } from './take-snapshots.ts';
import { tellSnapshots } from './tell-snapshots.ts';

export interface BackupRequest {
  /** Files and folders. */
  readonly paths: readonly string[];
  readonly excludes: Omit<ExcluderConfig, 'roots'>;
  readonly oneFileSystem: boolean;
  readonly fileSystemSnapshots: SnapshotUse;
  /** A file that says what changed since a snapshot (docs/changed-folders.md). */
  readonly changedFolders?: string | undefined;
  readonly tags: readonly string[];
  /** zstd level. */
  readonly compression: number;
  /** Bytes. */
  readonly memory: number;
  readonly dryRun: boolean;
  /** The name of this computer in the snapshot. */
  readonly hostname: string;
}

export const defaultCompression = 4;

/** The first ones come sooner. */
const checkpointEvery = 5 * 60_000;

export interface BackupOutcome {
  readonly report: BackupReport;
  /** What was read from snapshots of file systems, or would be; undefined when none were asked for. */
  readonly snapshots: SnapshotAccount | undefined;
  /** Named folders that are Keephold's own: nothing of them is stored. */
  readonly own: readonly string[];
}

/** @throws SnapshotError, before anything is stored, when snapshots are required and cannot be made. */
export async function runBackup(
  context: Context,
  access: DeviceAccess,
  request: BackupRequest,
): Promise<BackupOutcome> {
  const named = request.paths.map(realRoot);
  for (const path of named) warnOfLink(context, path);
  const own = named.filter((path) => ownFoldersBelow(context, path).some(({ length }) => length === 0));
  if (own.length === named.length) throw nothingButOwn(own);
  const roots = named.map(rootBytes);
  const { fileSystemSnapshots: use, oneFileSystem, dryRun } = request;
  if (dryRun) {
    const foreseen = foreseeSnapshots(context, roots, { use, oneFileSystem });
    const report = await storeFiles(context, access, { request, named, roots, snapshots: undefined });
    return { report, snapshots: foreseen, own };
  }
  const snapshots = await takeSnapshots(context, roots, { use, oneFileSystem });
  try {
    const report = await storeFiles(context, access, { request, named, roots, snapshots });
    await snapshots?.remove();
    return { report, snapshots: snapshots?.account, own };
  } catch (cause) {
    await snapshots?.remove();
    if (snapshots !== undefined) await tellSnapshots(context.out, snapshots.account);
    throw cause;
  }
}

function nothingButOwn(own: readonly string[]): UsageError {
  const what = own.length === 1 ? 'is a folder' : 'are folders';
  return new UsageError(
    `${own.join(', ')} ${what} of Keephold itself, with keys and caches, and never backed up`,
    'name another folder',
  );
}

interface FilesToStore {
  readonly request: BackupRequest;
  /** Absolute paths of the roots, and the roots as bytes, in the same order. */
  readonly named: readonly string[];
  readonly roots: readonly Uint8Array[];
  readonly snapshots: SourceSnapshots | undefined;
}

async function storeFiles(
  context: Context,
  access: DeviceAccess,
  { request, named, roots, snapshots }: FilesToStore,
): Promise<BackupReport> {
  const { custody, state, store, chain, vaultId } = access;
  const { environment, out, signal, version } = context;
  const { tags, compression, memory, dryRun, hostname } = request;
  const own = ownFoldersOf(context, { named, roots });
  const excludes = { ...request.excludes, roots: named };
  const journal = journalFor(context, { request, roots, own });
  const filter = createFileFilter(excludes, { roots, own });
  const source = createFileSource({ roots, filter, oneFileSystem: request.oneFileSystem, snapshots });
  const progress = new ProgressLine(out, dryRun ? 'looking' : 'backing up');
  try {
    return await backup({
      custody,
      keys: writeKeysOf(state),
      devicePublicKey: ed25519FromSeed(state.signingSeed).publicKey,
      trusted: () => (chain.isEndUnread ? [] : dedupAuthors(chain.keychain, state.deviceId)),
      sign: (message) => sign(state.signingSeed, message),
      keychain: () => chain.keychain,
      nextSession: async () => {
        const session = await nextSession(context, store, { state, custody });
        return { ...session, confirmed: () => confirmSession(store, session) };
      },
      stream: streamOf(store.folder, state.deviceId, source.roots),
      hostname,
      clientVersion: `keephold ${version}`,
      source,
      journal,
      copyDatabases: (folder) => createDatabaseCopies({ spawn: spawnDatabaseCopyProcess, folder }),
      spawnWorker: spawnBackupWorker,
      workers: availableParallelism(),
      cacheFolder: cacheFolder(environment, vaultId),
      tags,
      compression,
      memory,
      checkpointEvery,
      dryRun,
      signal,
      onProgress: ({ files, bytesDone: bytes, totals, currentPath, errors }) => {
        progress.update({ files, bytes, totalFiles: totals?.files, totalBytes: totals?.bytes, currentPath, errors });
        const all = totals !== undefined && { totalFiles: totals.files, totalBytes: totals.bytes };
        context.onProgress?.({ files, bytes, ...all });
      },
      now: () => BigInt(context.now()) * 1_000_000n,
      random: systemRandom,
      native: true,
    });
  } finally {
    progress.end();
  }
}

/** Named itself, a link is stored as one; who meant what is behind it must hear of that. */
function warnOfLink({ out }: Context, path: string): void {
  const bytes = Buffer.from(bytesFromRawText(path));
  if (!lstatSync(bytes).isSymbolicLink() || statSync(bytes, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  out.warn(`${path} is a link to a folder: the link is backed up, and not what is in the folder`);
}
