/** The tables and statements of the accounts on a real PostgreSQL: each is prepared, which checks names and types. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { migrate } from '@keephold/accounts';
import { openPostgres, type Sql, type SqlDatabase } from '@keephold/custody/sql';
import { hasPostgres, postgresNote, startPostgres } from '@keephold/testkit';
import { expect, it } from 'vitest';

const SOURCES = join(import.meta.dirname, '../../../../packages/accounts/src');

async function statements(): Promise<readonly string[]> {
  const names = (await readdir(SOURCES)).filter((name) => /(?<!\.test)\.ts$/.test(name));
  const texts = await Promise.all(names.map(async (name) => await readFile(join(SOURCES, name), 'utf8')));
  const found = texts.flatMap((text) => [...text.matchAll(/(?<=['`])(?:SELECT|INSERT|UPDATE|DELETE)[^'`]*/g)]);
  // Those with a name put in are the same with every name.
  return found.map(([statement]) => statement).filter((statement) => !statement.includes('${'));
}

it.skipIf(!hasPostgres)(`PostgreSQL reads every statement of the accounts${postgresNote}`, async () => {
  await using cluster = await startPostgres();
  const database = await openPostgres({ url: await cluster.newDatabase(), random: () => 0.5 });
  await Promise.all([migrate(database), migrate(database)]);
  const all = await statements();
  expect(all.length).toBeGreaterThan(20);
  await database.transaction(async (sql) => {
    for (const [index, statement] of all.entries()) await sql.query(`PREPARE statement_${index} AS ${statement}`);
  });
  await database.close();
});

it.skipIf(!hasPostgres)(`a server may start while another makes the tables${postgresNote}`, async () => {
  await using cluster = await startPostgres();
  const url = await cluster.newDatabase();
  const open = async (): Promise<SqlDatabase> => await openPostgres({ url, random: () => 0.5, connections: 2 });
  const [first, second, witness] = [await open(), await open(), await open()];
  await first.transaction(async (sql) => {
    await sql.query('CREATE TABLE accounts_version (version BIGINT NOT NULL)');
    await sql.query('INSERT INTO accounts_version (version) VALUES (0)');
  });
  let started: Promise<void> | undefined;
  const isWaiting = async (): Promise<boolean> =>
    (await witness.read(async (sql) => await sql.query('SELECT 1 FROM pg_locks WHERE NOT granted'))).length > 0;
  /** Before its first table the other starts, and goes on until it is done or waits. */
  const meeting =
    (work: (sql: Sql) => Promise<unknown>): ((sql: Sql) => Promise<unknown>) =>
    async (sql) => {
      const query: Sql['query'] = async (text, ...values) => {
        if (started === undefined && text.startsWith('CREATE TABLE account ')) {
          let isDone = false;
          started = migrate(second).finally(() => {
            isDone = true;
          });
          while (!isDone && !(await isWaiting())) await setImmediate();
        }
        return await sql.query(text, ...values);
      };
      return await work({ query });
    };
  const slow = {
    ...{ read: first.read.bind(first), close: first.close.bind(first) },
    transaction: async (work) => await first.transaction(meeting(work)),
    exclusive: async (lock, work) => await first.exclusive(lock, meeting(work)),
  } as SqlDatabase;
  await migrate(slow);
  expect(started).toBeDefined();
  await started;
  for (const database of [first, second, witness]) await database.close();
});
