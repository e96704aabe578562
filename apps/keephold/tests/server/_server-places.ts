/** Every pair of database and storage that a server may have, each made anew for a test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Backend } from '@keephold/backend';
import type { KeeperOptions } from '@keephold/custody';
import { openPostgres } from '@keephold/custody/sql';
import {
  emptied,
  hasPostgres,
  type PostgresCluster,
  postgresNote,
  s3Note,
  s3Options,
  testStore,
} from '@keephold/testkit';

export interface ServerPair {
  readonly database: 'SQLite' | 'PostgreSQL';
  readonly storage: 'a folder' | 'S3';
  /** Why it cannot be tested here, as part of a title; '' when it can. */
  readonly lacking: string;
}

export const serverPairs: readonly ServerPair[] = (['SQLite', 'PostgreSQL'] as const).flatMap((database) =>
  (['a folder', 'S3'] as const).map((storage) => {
    const postgres = database === 'PostgreSQL' && !hasPostgres ? postgresNote : '';
    const store = storage === 'S3' && testStore === undefined ? s3Note : '';
    return { database, storage, lacking: `${postgres}${store}` };
  }),
);

export interface PairInUse extends AsyncDisposable {
  /** As one process has them. */
  readonly open: () => Promise<Pick<KeeperOptions, 'database' | 'storage'>>;
}

/** `cluster`: not needed where the pair has no PostgreSQL. */
export async function usePair({ database, storage }: ServerPair, cluster?: PostgresCluster): Promise<PairInUse> {
  const folder = await mkdtemp(join(tmpdir(), 'keephold-pair-'));
  const url = database === 'PostgreSQL' ? await cluster?.newDatabase() : undefined;
  const bucket = storage === 'S3' ? new S3Backend(s3Options()) : undefined;
  const ends: (() => Promise<void>)[] = [];
  return {
    open: async () => {
      const shared = url === undefined ? undefined : await openPostgres({ url, random: () => 0.5, connections: 4 });
      if (shared !== undefined) ends.push(async () => await shared.close());
      return {
        database: shared === undefined ? { kind: 'files', folder } : { kind: 'shared', database: shared },
        storage: bucket === undefined ? { kind: 'folder', path: folder } : { kind: 'bucket', backend: bucket },
      };
    },
    [Symbol.asyncDispose]: async () => {
      for (const end of ends) await end();
      if (bucket !== undefined) await emptied(bucket);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
