/** What a server keeps things in: folders and files of its own, or a database and a bucket that many processes share. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Backend, FolderBackend, S3Backend } from '@keephold/backend';
import { DamageList, type KeeperOptions, markReplica, VaultQueue } from '@keephold/custody';
import { openPostgres, type SqlDatabase, SqliteDatabase } from '@keephold/custody/sql';
import { makePrivateFolder } from '../access/private-file.ts';
import type { BucketAddress } from './server-addresses.ts';

export interface ServerPlaces {
  /** Undefined: SQLite files. */
  readonly database: URL | undefined;
  /** Undefined: a folder. */
  readonly storage: BucketAddress | undefined;
  /** The second site: a bucket or the path of a folder; undefined: there is none. */
  readonly replica: BucketAddress | string | undefined;
  /** For what is kept here. */
  readonly folder: string;
  readonly now: () => number;
  readonly random: () => number;
}

export interface ServerParts extends Pick<KeeperOptions, 'database' | 'storage'> {
  readonly collection: VaultQueue;
  readonly scrub: { readonly queue: VaultQueue; readonly damage: DamageList };
  /** Undefined: there is no second site. */
  readonly replica: { readonly root: Backend; readonly queue: VaultQueue } | undefined;
  /** For the accounts. */
  readonly accounts: SqlDatabase;
  close(): Promise<void>;
}

/** @throws BackendError when there is no such bucket, it lets nobody in, or it is not fit for use */
export async function openServerParts(places: ServerPlaces): Promise<ServerParts> {
  makePrivateFolder(places.folder);
  const bucket = places.storage === undefined ? undefined : await openBucket(places.storage, places);
  const site = places.replica === undefined ? undefined : await openSite(places.replica, places);
  const shared = places.database === undefined ? undefined : await openDatabase(places.database, places);
  const queued = shared ?? (await SqliteDatabase.open(join(places.folder, 'collections.sqlite')));
  const accounts = shared ?? (await SqliteDatabase.open(join(places.folder, 'accounts.sqlite'), 'durable'));
  const collection = await VaultQueue.open(queued, 'collection');
  return {
    collection,
    scrub: { queue: await openScrub(queued, places.now()), damage: await DamageList.open(queued) },
    replica: site && { root: site.root, queue: await openReplication(queued, places.now()) },
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
      site?.close();
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

async function openBucket(address: BucketAddress, places: ServerPlaces): Promise<S3Backend> {
  const { prefix } = address;
  return await openStore({ ...address, prefix: prefix === '' ? 'accounts' : `${prefix}/accounts` }, places);
}

async function openStore(address: BucketAddress, { now, random }: ServerPlaces): Promise<S3Backend> {
  const wait = async (milliseconds: number): Promise<void> => await sleep(milliseconds);
  const bucket = new S3Backend({ ...address, now, random, sleep: wait });
  await bucket.checkStore();
  return bucket;
}

async function openSite(
  place: BucketAddress | string,
  places: ServerPlaces,
): Promise<{ readonly root: Backend; readonly close: () => void }> {
  if (typeof place !== 'string') {
    const bucket = await openStore(place, places);
    await markReplica(bucket);
    return { root: bucket, close: () => bucket.close() };
  }
  makePrivateFolder(place);
  const folder = new FolderBackend({ path: place });
  await markReplica(folder);
  return { root: folder, close: () => {} };
}

/** What was there before there was a second site is to be copied as well. */
async function openReplication(database: SqlDatabase, now: number): Promise<VaultQueue> {
  const queue = await VaultQueue.open(database, 'replication');
  await queue.addAllOf('collection', now);
  return queue;
}

async function openScrub(database: SqlDatabase, now: number): Promise<VaultQueue> {
  const queue = await VaultQueue.open(database, 'scrub');
  await queue.addAllOf('collection', now);
  return queue;
}
