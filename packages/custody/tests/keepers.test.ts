/** The conformance suite of the Custody seam on every pair of database and storage, in this process. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Backend } from '@keephold/backend';
import type { Custody } from '@keephold/protocol';
import {
  type AccountFixture,
  createAccountFixture,
  createPack,
  custodySuite,
  emptied,
  type FixtureDevice,
  hasPostgres,
  type PostgresCluster,
  postgresNote,
  s3Note,
  s3Options,
  startPostgres,
  storeSnapshot,
  testStore,
} from '@keephold/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KeeperOptions, openKeeper, type RepositoryKeeper } from '../src/index.ts';
import { openPostgres } from '../src/sql.ts';

type Parts = Pick<KeeperOptions, 'database' | 'storage'>;

interface PartsInUse extends AsyncDisposable {
  /** As another process has them. */
  readonly open: () => Promise<Parts>;
  /** The same storage with a database that is lost. */
  readonly openWithoutLedger: () => Promise<Parts>;
}

describe('a keeper with', () => {
  let cluster: PostgresCluster | undefined;
  beforeAll(async () => {
    if (hasPostgres) cluster = await startPostgres();
  }, 60_000);
  afterAll(async () => await cluster?.[Symbol.asyncDispose]());

  const prepare = async (database: 'SQLite' | 'PostgreSQL', storage: 'a folder' | 'S3'): Promise<PartsInUse> => {
    const folder = await mkdtemp(join(tmpdir(), 'keephold-keeper-'));
    const url = database === 'PostgreSQL' ? await cluster?.newDatabase() : undefined;
    const bucket = storage === 'S3' ? new S3Backend(s3Options()) : undefined;
    const ends: (() => Promise<void>)[] = [];
    const openOn = async (address: string | undefined): Promise<Parts> => {
      const shared = address && (await openPostgres({ url: address, random: () => 0.5, connections: 4 }));
      if (shared) ends.push(async () => await shared.close());
      return {
        database: shared ? { kind: 'shared', database: shared } : { kind: 'files', folder },
        storage: bucket === undefined ? { kind: 'folder', path: folder } : { kind: 'bucket', backend: bucket },
      };
    };
    const openWithoutLedger = async (): Promise<Parts> => {
      if (url !== undefined) return await openOn(await cluster?.newDatabase());
      const files = await readdir(folder, { recursive: true });
      for (const file of files) if (/sqlite(-wal|-shm)?$/.test(file)) await rm(join(folder, file));
      return await openOn(undefined);
    };
    const dispose = async (): Promise<void> => {
      for (const end of ends) await end();
      if (bucket !== undefined) await emptied(bucket);
      await rm(folder, { recursive: true, force: true });
    };
    return { open: async () => await openOn(url), openWithoutLedger, [Symbol.asyncDispose]: dispose };
  };

  const keeperOf = async (parts: PartsInUse, account: AccountFixture): Promise<RepositoryKeeper> => {
    const signer = account.devices[0] as FixtureDevice;
    return await openKeeper({ ...(await parts.open()), optionsOf: () => ({ signer }) });
  };

  for (const [database, storage] of [
    ['SQLite', 'a folder'],
    ['PostgreSQL', 'a folder'],
    ['SQLite', 'S3'],
    ['PostgreSQL', 'S3'],
  ] as const) {
    const lacksPostgres = database === 'PostgreSQL' && !hasPostgres;
    const lacksStore = storage === 'S3' && testStore === undefined;
    const note = `${lacksPostgres ? postgresNote : ''}${lacksStore ? s3Note : ''}`;
    describe.skipIf(lacksPostgres || lacksStore)(`${database} and ${storage}${note}`, () => {
      custodySuite(`${database} and ${storage}`, async (account) => {
        const parts = await prepare(database, storage);
        const keeper = await keeperOf(parts, account);
        await keeper.create(account);
        const custody = await keeper.open(account.accountId);
        return {
          custody,
          reopen: async () => await (await keeperOf(parts, account)).open(account.accountId),
          [Symbol.asyncDispose]: async () => {
            await custody[Symbol.asyncDispose]();
            await parts[Symbol.asyncDispose]();
          },
        };
      });

      it('makes an account once, also when two do at once, and knows no other', async () => {
        const account = createAccountFixture();
        await using parts = await prepare(database, storage);
        const keepers = [await keeperOf(parts, account), await keeperOf(parts, account)];
        const made = await Promise.allSettled(keepers.map(async (keeper) => await keeper.create(account)));
        expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
        const refused = made.find((outcome) => outcome.status === 'rejected');
        expect(refused?.reason).toMatchObject({ name: 'CustodyError', code: 'refused' });
        const nobody = createAccountFixture().accountId;
        await expect(keepers[0]?.open(nobody)).rejects.toMatchObject({ code: 'no-repository' });
      });

      it('says the same after its database was lost', async () => {
        const account = createAccountFixture();
        await using parts = await prepare(database, storage);
        const custody = await (async () => {
          const keeper = await keeperOf(parts, account);
          await keeper.create(account);
          return await keeper.open(account.accountId);
        })();
        const pack = createPack(account.vault, 1, 1);
        const first = await storeSnapshot(custody, account, { packs: [pack] });
        await storeSnapshot(custody, account, { parent: first, packs: [createPack(account.vault, 2, 1)] });
        await custody.trash(account.vault, [first.seq]);
        const before = await accountOf(custody, account);
        await custody[Symbol.asyncDispose]();
        const again = await openKeeper(await parts.openWithoutLedger());
        const other = await again.open(account.accountId);
        expect(await accountOf(other, account)).toEqual(before);
        expect((await storeSnapshot(other, account)).seq).toBe(4);
        await other[Symbol.asyncDispose]();
      });

      it('keeps two accounts apart that chose the same vault', async () => {
        const one = createAccountFixture();
        const stolen = createAccountFixture({ vault: one.vault });
        await using parts = await prepare(database, storage);
        for (const account of [one, stolen]) await (await keeperOf(parts, account)).create(account);
        const custody = await (await keeperOf(parts, one)).open(one.accountId);
        const first = await storeSnapshot(custody, one);
        const other = await (await keeperOf(parts, stolen)).open(stolen.accountId);
        expect((await other.head(stolen.vault)).seq).toBe(0);
        await storeSnapshot(other, stolen);
        await storeSnapshot(other, stolen);
        expect(await custody.head(one.vault)).toEqual(first.head);
        expect((await storeSnapshot(custody, one)).seq).toBe(2);
        for (const open of [custody, other]) await open[Symbol.asyncDispose]();
      });
    });
  }
});

/** What the seam says about a vault. */
async function accountOf(custody: Custody, { vault }: AccountFixture): Promise<unknown> {
  const snapshots = await custody.snapshots(vault);
  const refsets = await Promise.all(snapshots.map(async ({ seq }) => await custody.refset(vault, seq)));
  return [await custody.head(vault), snapshots, refsets, await custody.usage(vault)];
}
