/** A repository in a folder of its own, with its ledger in it. */
import { join } from 'node:path';
import { type Disk, FolderBackend } from '@keephold/backend';
import { type Custody, CustodyError } from '@keephold/protocol';
import { creatingAlone } from './creation.ts';
import { asCustodyError } from './custody-failure.ts';
import { LEDGER } from './layout.ts';
import { FileLedger } from './ledger/file-ledger.ts';
import type { SqlDatabase } from './ledger/sql.ts';
import { type GenesisRecords, openRepository, type RepositoryOptions, writeRepository } from './repository.ts';
import type { KeptCustody } from './upkeep.ts';

export interface OpenOptions extends RepositoryOptions {
  /** The file system; tests bring one that fails. */
  readonly disk?: Disk;
  /** The ledger's database; tests bring one that fails. */
  readonly openDatabase?: (path: string) => Promise<SqlDatabase>;
}

/**
 * Makes a repository in a folder that is empty or not there. The marker is written last: a creation that was cut short
 * leaves a folder that is no repository, and can be begun again.
 * @throws CustodyError 'refused' when the folder has something else in it.
 */
export async function createRepositoryFolder(
  path: string,
  records: GenesisRecords,
  options: OpenOptions = {},
): Promise<Custody> {
  try {
    const backend = new FolderBackend({ path, ...diskOf(options) });
    await backend.makeRoot();
    await creatingAlone(path, async () => await writeRepository(backend, records));
  } catch (error) {
    throw asCustodyError(asFolderError(error, `create repository in ${path}`));
  }
  return await openRepositoryFolder(path, options);
}

/** @throws CustodyError as `openRepository` does */
export async function openRepositoryFolder(path: string, options: OpenOptions = {}): Promise<KeptCustody> {
  const backend = new FolderBackend({ path, ...diskOf(options) });
  const database = new FileLedger(join(path, LEDGER), options.openDatabase);
  return await openRepository({ name: path, backend, folder: backend, database }, options);
}

function diskOf({ disk }: OpenOptions): { readonly disk?: Disk } {
  return disk === undefined ? {} : { disk };
}

const FOLDER_ERRORS: Readonly<Record<string, CustodyError['code']>> = {
  EACCES: 'no-permission',
  EPERM: 'no-permission',
  EROFS: 'read-only',
  ENOSPC: 'no-room',
  EDQUOT: 'no-room',
  ENOTDIR: 'refused',
  EEXIST: 'refused',
};

function asFolderError(error: unknown, action: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  const code = FOLDER_ERRORS[error.code];
  return code === undefined ? error : new CustodyError(code, `${action}: ${error.message}`, { cause: error });
}
