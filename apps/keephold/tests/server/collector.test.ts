/** Vaults are collected in the background, by as many processes as there are, each by one at a time. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKeeper, type RepositoryKeeper, VaultQueue } from '@keephold/custody';
import { openPostgres, type SqlDatabase, SqliteDatabase } from '@keephold/custody/sql';
import { type CollectionOutcome, OpenAccounts, queueingKeeper, startCollector } from '@keephold/server';
import {
  type AccountFixture,
  createAccountFixture,
  createPack,
  type FixtureDevice,
  hasPostgres,
  type PostgresCluster,
  postgresNote,
  startPostgres,
  storeSnapshot,
} from '@keephold/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

const MINUTE = 60_000;
const DAY = 86_400_000;

/** What one server process has. */
interface Process {
  readonly keeper: OpenAccounts;
  readonly queue: VaultQueue;
}

for (const kind of ['SQLite', 'PostgreSQL'] as const) {
  const lacking = kind === 'PostgreSQL' && !hasPostgres;
  describe.skipIf(lacking)(`collections on ${kind}${lacking ? postgresNote : ''}`, () => {
    let cluster: PostgresCluster | undefined;
    let folder: string;
    let url: string | undefined;
    let opened: SqlDatabase[];
    let time: number;
    const accounts = new Map<string, AccountFixture>();

    beforeAll(async () => {
      if (kind === 'PostgreSQL') cluster = await startPostgres();
    }, 60_000);
    afterAll(async () => await cluster?.[Symbol.asyncDispose]());
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'keephold-collector-'));
      url = await cluster?.newDatabase();
      [opened, time] = [[], Date.now()];
    });
    afterEach(async () => {
      for (const database of opened) await database.close();
      await rm(folder, { recursive: true, force: true });
    });

    const processOf = async (): Promise<Process> => {
      const database =
        url === undefined
          ? await SqliteDatabase.open(join(folder, 'collections.sqlite'))
          : await openPostgres({ url, random: () => 0.5, connections: 4 });
      opened.push(database);
      const queue = await VaultQueue.open(database, 'collection');
      const repositories: RepositoryKeeper = await openKeeper({
        database: url === undefined ? { kind: 'files', folder } : { kind: 'shared', database },
        storage: { kind: 'folder', path: folder },
        optionsOf: (accountId) => ({
          clock: { now: () => time },
          signer: accounts.get(String(accountId))?.devices[0] as FixtureDevice,
        }),
      });
      return { keeper: new OpenAccounts(queueingKeeper(repositories, { collection: queue }, () => time)), queue };
    };

    const signUp = async ({ keeper }: Process): Promise<AccountFixture> => {
      const account = createAccountFixture();
      accounts.set(String(account.accountId), account);
      await keeper.create(account);
      await keeper.use(account.accountId, async (custody) => await custody.openSession(account.vault));
      return account;
    };

    /** Collects until nothing is due. */
    const collectAll = async (processes: readonly Process[]): Promise<readonly CollectionOutcome[]> => {
      const outcomes: CollectionOutcome[] = [];
      await Promise.all(
        processes.map(async ({ keeper, queue }) => {
          const idle = Promise.withResolvers<void>();
          const wait = async (): Promise<void> => {
            idle.resolve();
            await new Promise((resolve) => setImmediate(resolve));
          };
          const collector = startCollector({
            ...{ keeper, queue, wait, now: () => time },
            onCollected: (outcome) => outcomes.push(outcome),
          });
          await idle.promise;
          await collector.stop();
        }),
      );
      return outcomes;
    };

    it('are shared by processes, each vault by one of them, once a day', async () => {
      const processes = [await processOf(), await processOf()];
      for (let made = 0; made < 12; made++) await signUp(processes[made % 2] as Process);
      expect(await collectAll(processes)).toEqual([]);
      time += DAY;
      expect((await collectAll(processes)).map(({ kind: outcome }) => outcome)).toEqual(Array(12).fill('collected'));
      expect(await collectAll(processes)).toEqual([]);
      time += DAY;
      expect(await collectAll(processes)).toHaveLength(12);
      for (const { keeper } of processes) await keeper.close();
    });

    it('expire what was in the trash for as long as the vault says, purge it later, and leave the rest', async () => {
      const process = await processOf();
      const account = await signUp(process);
      const { vault, accountId } = account;
      const [going, staying] = [createPack(vault, 1, 1), createPack(vault, 2, 1)];
      const stateOf = async (): Promise<unknown> =>
        await process.keeper.use(accountId, async (custody) => {
          const into = new Uint8Array(100_000);
          const there = [await custody.getPack(vault, going.id, into), await custody.getPack(vault, staying.id, into)];
          return [
            (await custody.snapshots(vault)).map(({ state }) => state),
            there.map((length) => length !== undefined),
          ];
        });
      await process.keeper.use(accountId, async (custody) => {
        const first = await storeSnapshot(custody, account, { packs: [going] });
        await storeSnapshot(custody, account, { packs: [staying] });
        await custody.trash(vault, [first.seq]);
      });
      const states: unknown[] = [];
      for (let days = 0; days <= 44; days += 4) {
        await collectAll([process]);
        states.push(await stateOf());
        time += 4 * DAY;
      }
      expect(states.slice(0, 8)).toEqual(
        Array(8).fill([
          ['trashed', 'active'],
          [true, true],
        ]),
      );
      expect(states[8]).toEqual([
        ['expired', 'active'],
        [true, true],
      ]);
      expect(states.at(-1)).toEqual([['active'], [false, true]]);
      await process.keeper.close();
    });

    it('keep a vault for as long as they work on it, however long that is', async () => {
      const process = await processOf();
      const other = await processOf();
      await signUp(process);
      time += DAY;
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
      try {
        const slow: Process['keeper']['use'] = async (accountId, work) => {
          for (let waited = 0; waited < 5; waited++, time += 4 * MINUTE) {
            vi.advanceTimersByTime(4 * MINUTE);
            while ((await other.queue.due(time + 9 * MINUTE)) > 0)
              await new Promise((resolve) => setImmediate(resolve));
            expect(await other.queue.take({ now: time, leasedUntil: time + DAY, most: 8 })).toEqual([]);
          }
          return await process.keeper.use(accountId, work);
        };
        const keeper = Object.assign(Object.create(process.keeper) as OpenAccounts, { use: slow });
        expect(await collectAll([{ ...process, keeper }])).toMatchObject([{ kind: 'collected' }]);
      } finally {
        vi.useRealTimers();
      }
      expect(await collectAll([other])).toEqual([]);
      time += DAY;
      expect(await collectAll([other])).toHaveLength(1);
      for (const { keeper } of [process, other]) await keeper.close();
    });

    it('go on without one that died, when its lease is over, and without an account that is gone', async () => {
      const process = await processOf();
      const account = await signUp(process);
      const { queue } = process;
      time += DAY;
      const [dead] = await queue.take({ now: time, leasedUntil: time + 1000, most: 8 });
      expect(dead?.vault).toEqual(account.vault);
      expect(await collectAll([process])).toEqual([]);
      time += 1000;
      expect(await collectAll([process])).toHaveLength(1);
      // What the dead one says after all counts for nothing.
      if (dead !== undefined) await queue.finish(dead, { nextDueAt: 0, outcome: 'done' });
      expect(await collectAll([process])).toEqual([]);
      const nobody = createAccountFixture();
      await queue.add(nobody.accountId, nobody.vault, 0);
      expect(await collectAll([process])).toEqual([{ kind: 'failed', code: 'no-repository' }]);
      time += 2 * DAY;
      expect(await collectAll([process])).toMatchObject([{ kind: 'collected' }]);
      await process.keeper.close();
    });
  });
}
