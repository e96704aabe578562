/** What has expired beside the accounts is cleared away: in bounded steps, by several processes, and nothing else is. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clearExpired, invite, noteSession, openPairing, startSignIn } from '@keephold/accounts';
import { systemRandom } from '@keephold/crypto';
import { createOpaqueSetup } from '@keephold/crypto/opaque';
import { numberAt, openPostgres, type SqlDatabase, SqliteDatabase } from '@keephold/custody/sql';
import { asAccountId } from '@keephold/protocol';
import { startExpirer } from '@keephold/server';
import { hasPostgres, postgresNote, startPostgres } from '@keephold/testkit';
import { expect, it } from 'vitest';
import { type TestServer, testServer } from './_server.ts';

const DAY = 86_400_000;
const TABLES = ['attempt', 'pairing', 'unlocked_session', 'invitation', 'tries'] as const;

async function counts({ database }: TestServer['around']): Promise<readonly number[]> {
  const of = async (table: string): Promise<number> => {
    const [row] = await database.read(async (sql) => await sql.query(`SELECT COUNT(*) FROM ${table}`));
    return row === undefined ? 0 : numberAt(row, 0);
  };
  return await Promise.all(TABLES.map(of));
}

/** `count` of each kind that are over in four days, at the latest, by the statements that servers make them with. */
async function fill({ around }: TestServer, count: number): Promise<void> {
  const { database, now } = around;
  for (let at = 0; at < count; at++) {
    const accountId = asAccountId(systemRandom(16));
    const time = now();
    await openPairing(around, accountId, systemRandom(16));
    const session = { sessionId: systemRandom(16), method: 'words', openedAt: time, ipPrefix: '' } as const;
    await noteSession(around, accountId, { ...session, expiresAt: time + 15 * 60_000 });
    await database.transaction(
      async (sql) => void (await invite(sql, { now: time, expiresAt: time + DAY, random: systemRandom })),
    );
    await database.transaction(async (sql) => {
      const tries = 'INSERT INTO tries (limit_key, since, count, strikes) VALUES (?, ?, 1, 0)';
      await sql.query(tries, systemRandom(32), time);
      const attempt = `INSERT INTO attempt (attempt_id, kind, expires_at, account_id, known, limit_key, state)
        VALUES (?, 2, ?, ?, 1, ?, ?)`;
      await sql.query(attempt, systemRandom(32), time + 120_000, accountId, systemRandom(32), systemRandom(9));
    });
  }
}

async function usedInvitation({ around }: TestServer): Promise<void> {
  const { database, now } = around;
  const text = 'INSERT INTO invitation (code_hash, made_at, expires_at, account_id) VALUES (?, ?, ?, ?)';
  await database.transaction(
    async (sql) => void (await sql.query(text, systemRandom(32), now(), now() + DAY, systemRandom(16))),
  );
}

it('goes in bounded steps, and leaves what is good still', async () => {
  const server = await testServer();
  const { around } = server;
  await fill(server, 25);
  await usedInvitation(server);
  expect(await clearExpired(around, 10)).toEqual([0, 0, 0, 0, 0]);
  expect(await counts(around)).toEqual([25, 25, 25, 26, 25]);
  server.pass(10 * 60_000);
  expect(await clearExpired(around, 100)).toEqual([25, 25, 0, 0, 0]);
  server.pass(4 * DAY);
  expect(await clearExpired(around, 10)).toEqual([0, 0, 10, 10, 10]);
  expect(await counts(around)).toEqual([0, 0, 15, 16, 15]);
  await clearExpired(around, 10);
  expect(await clearExpired(around, 10)).toEqual([0, 0, 5, 5, 5]);
  // The invitation that somebody has used says who may do what.
  expect(await counts(around)).toEqual([0, 0, 0, 1, 0]);
  await around.database.close();
});

async function clearedByTwo(open: () => Promise<SqlDatabase>): Promise<readonly number[]> {
  const setup = await createOpaqueSetup();
  const one = await testServer(await open(), setup);
  const two = await testServer(await open(), setup);
  await fill(one, 30);
  for (const server of [one, two]) server.pass(5 * DAY);
  const signingIn = startSignIn(one.around, { name: 'ann', request: systemRandom(32), address: '192.0.2.9' });
  await Promise.all([signingIn.catch(() => {}), clearExpired(one.around, 100), clearExpired(two.around, 100)]);
  const left = await counts(one.around);
  await one.around.database.close();
  await two.around.database.close();
  return left.slice(1, 4);
}

it('goes at two processes with one database at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keephold-expiry-'));
  const open = async (): Promise<SqlDatabase> => await SqliteDatabase.open(join(folder, 'accounts.sqlite'), 'durable');
  expect(await clearedByTwo(open)).toEqual([0, 0, 0]);
  await rm(folder, { recursive: true, force: true });
});

it.skipIf(!hasPostgres)(`goes at two processes with one PostgreSQL at once${postgresNote}`, async () => {
  await using cluster = await startPostgres();
  const url = await cluster.newDatabase();
  expect(await clearedByTwo(async () => await openPostgres({ url, random: () => 0.5 }))).toEqual([0, 0, 0]);
});

it('is a job that goes on until nothing is left, again and again, also after the database was away', async () => {
  const server = await testServer();
  const { around } = server;
  await fill(server, 3);
  server.pass(5 * DAY);
  const failed: string[] = [];
  let isAway = true;
  const away = Object.assign(new Error('away'), { code: 'unavailable' });
  const database: SqlDatabase = {
    read: async (work) => {
      if (isAway) throw away;
      return await around.database.read(work);
    },
    transaction: async (work) => await around.database.transaction(work),
    close: async () => await around.database.close(),
  } as SqlDatabase;
  const pauses: (() => void)[] = [];
  const paused = async (): Promise<void> => {
    while (pauses.length === 0) await sleep(1);
  };
  const job = startExpirer({
    accounts: { ...around, database },
    wait: async (_, signal) =>
      await new Promise<void>((resolve) => {
        pauses.push(resolve);
        signal.addEventListener('abort', () => resolve());
      }),
    onFailed: (code) => failed.push(code),
  });
  await paused();
  expect([failed, await counts(around)]).toEqual([['unavailable'], [3, 3, 3, 3, 3]]);
  isAway = false;
  pauses.shift()?.();
  await paused();
  expect(await counts(around)).toEqual([0, 0, 0, 0, 0]);
  await job.stop();
  await around.database.close();
});
