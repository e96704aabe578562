/** The queue of vaults on a real PostgreSQL, where whoever gives a vault back does not wait for those who take. */
import { asAccountId, asVaultId } from '@keephold/protocol';
import { hasPostgres, type PostgresCluster, postgresNote, startPostgres } from '@keephold/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type VaultJob, VaultQueue } from '../src/index.ts';
import type { SqlDatabase } from '../src/ledger/sql.ts';
import { openPostgres } from '../src/sql.ts';

const ACCOUNT = asAccountId(new Uint8Array(16).fill(1));
const VAULT = asVaultId(new Uint8Array(16).fill(2));

/** Under the lock, `act` runs once, between what is read first and what is written then. */
function meeting(database: SqlDatabase, act: () => Promise<void>): SqlDatabase {
  let isDone = false;
  return {
    read: async (work) => await database.read(work),
    transaction: async (work) => await database.transaction(work),
    exclusive: async (lock, work) =>
      await database.exclusive(
        lock,
        async (sql) =>
          await work({
            query: async (text, ...values) => {
              if (text.startsWith('UPDATE') && !text.includes('_version') && !isDone) {
                isDone = true;
                await act();
              }
              return await sql.query(text, ...values);
            },
          }),
      ),
    close: async () => await database.close(),
  };
}

describe.skipIf(!hasPostgres)(`the queue of vaults on PostgreSQL${postgresNote}`, () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres();
  }, 60_000);
  afterAll(async () => await cluster[Symbol.asyncDispose]());

  const meet = async (act: (queue: VaultQueue, job: VaultJob) => Promise<void>): Promise<readonly VaultJob[]> => {
    const database = await openPostgres({ url: await cluster.newDatabase(), random: () => 0.5, connections: 4 });
    try {
      const queue = await VaultQueue.open(database, 'scrub');
      await queue.add(ACCOUNT, VAULT, 0);
      const [job] = (await queue.take({ now: 10, leasedUntil: 20, most: 1 })) as [VaultJob];
      const other = await VaultQueue.open(
        meeting(database, async () => await act(queue, job)),
        'scrub',
      );
      const taken = await other.take({ now: 30, leasedUntil: 50, most: 1 });
      return taken.length > 0 ? taken : await other.take({ now: 1000, leasedUntil: 1010, most: 1 });
    } finally {
      await database.close();
    }
  };

  it('does not take again what its holder finishes at that moment, and keeps how far it came', async () => {
    const taken = await meet(
      async (queue, job) => await queue.finish(job, { nextDueAt: 900, sweptAt: 7, position: 5, outcome: 'done' }),
    );
    expect(taken).toMatchObject([{ leasedUntil: 1010, position: 5, sweptAt: 7 }]);
  });

  it('does not take what its holder keeps for longer at that moment', async () => {
    const taken = await meet(async (queue, job) => {
      expect(await queue.renew(job, 40)).toBeDefined();
    });
    expect(taken).toMatchObject([{ leasedUntil: 1010 }]);
  });

  it('does not take what is gone by then', async () => {
    expect(await meet(async (queue, job) => await queue.remove(job))).toEqual([]);
  });
});
