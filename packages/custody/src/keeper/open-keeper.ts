/**
 * The repositories of many accounts, one each: {a file for each ledger, one database for all} × {a folder, a bucket}.
 * With a database that several processes share, all of them may keep the same repositories at once.
 */
import type { Backend } from '@keephold/backend';
import type { AccountId } from '@keephold/protocol';
import { SharedLedger } from '../ledger/shared-ledger.ts';
import type { SqlDatabase } from '../ledger/sql.ts';
import type { RepositoryOptions } from '../repository.ts';
import { FolderKeeper } from './folder-keeper.ts';
import { PlaceKeeper } from './place-keeper.ts';
import { bucketPlaces, folderPlaces } from './places.ts';
import type { RepositoryKeeper } from './repository-keeper.ts';

export type KeeperDatabase =
  /** An SQLite file for each account in this folder; where files lie in folders, in the account's. One process at a time. */
  { readonly kind: 'files'; readonly folder: string } | { readonly kind: 'shared'; readonly database: SqlDatabase };

export type KeeperStorage =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'bucket'; readonly backend: Backend };

export interface KeeperOptions {
  readonly database: KeeperDatabase;
  readonly storage: KeeperStorage;
  readonly optionsOf?: (accountId: AccountId) => RepositoryOptions;
}

/** What is passed in stays the caller's to close. */
export async function openKeeper(options: KeeperOptions): Promise<RepositoryKeeper> {
  const { database, storage, optionsOf = () => ({}) } = options;
  // The whole repository is one folder then, which any program that reads repositories opens.
  if (database.kind === 'files' && storage.kind === 'folder') return new FolderKeeper(storage.path, optionsOf);
  const ledgers = database.kind === 'files' ? database.folder : await SharedLedger.open(database.database);
  const places =
    storage.kind === 'folder' ? folderPlaces(storage.path, ledgers) : bucketPlaces(storage.backend, ledgers);
  return new PlaceKeeper(places, optionsOf);
}
