/** What a server keeps things in: folders and files of its own, or a database and a bucket that many processes share. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { S3Backend } from '@keephold/backend';
import { CollectionQueue, type KeeperOptions } from '@keephold/custody';
import { openPostgres, type SqlDatabase, SqliteDatabase } from '@keephold/custody/sql';
import { makePrivateFolder } from '../access/private-file.ts';
import type { BucketAddress } from './server-addresses.ts';

export interface ServerPlaces {
  /** Undefined: SQLite files. */
  readonly database: URL | undefined;
  /** Undefined: a folder. */
  readonly storage: BucketAddress | undefined;
  /** For what is kept here. */
  readonly folder: string;
  readonly now: () => number;
  readonly random: () => number;
}

export interface ServerParts extends Pick<KeeperOptions, 'database' | 'storage'> {
  readonly queue: CollectionQueue;
  /** For the accounts. */
  readonly accounts: SqlDatabase;
  close(): Promise<void>;
}

/** @throws BackendError when there is no such bucket, it lets nobody in, or it is not fit for use */
export async function openServerParts(places: ServerPlaces): Promise<ServerParts> {
  makePrivateFolder(places.folder);
  const bucket = places.storage === undefined ? undefined : await openBucket(places.storage, places);
  const shared = places.database === undefined ? undefined : await openDatabase(places.database, places);
  const queued = shared ?? (await SqliteDatabase.open(join(places.folder, 'collections.sqlite')));
  const accounts = shared ?? (await SqliteDatabase.open(join(places.folder, 'accounts.sqlite'), 'durable'));
  return {
    queue: await CollectionQueue.open(queued),
    accounts,
    database: shared === undefined ? filesIn(places, bucket) : { kind: 'shared', database: shared },
    storage:
      bucket === undefined
        ? { kind: 'folder', path: join(places.folder, 'accounts') }
        : { kind: 'bucket', backend: bucket },
    close: async () => {
      await queued.close();
      if (accounts !== queued) await accounts.close();
      bucket?.close();
    },
  };
}

/** Where accounts are folders, their ledgers are in them. */
function filesIn({ folder }: ServerPlaces, bucket: S3Backend | undefined): ServerParts['database'] {
  const path = join(folder, bucket === undefined ? 'accounts' : 'ledgers');
  makePrivateFolder(path);
  return { kind: 'files', folder: path };
}

async function openDatabase(url: URL, { random }: ServerPlaces): Promise<SqlDatabase> {
  return await openPostgres({ url: url.href, random });
}

async function openBucket(address: BucketAddress, { now, random }: ServerPlaces): Promise<S3Backend> {
  const { prefix, ...rest } = address;
  const wait = async (milliseconds: number): Promise<void> => await sleep(milliseconds);
  const accounts = prefix === '' ? 'accounts' : `${prefix}/accounts`;
  const bucket = new S3Backend({ ...rest, prefix: accounts, now, random, sleep: wait });
  await bucket.checkStore();
  return bucket;
}
