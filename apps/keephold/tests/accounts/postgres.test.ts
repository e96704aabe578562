/** The tables and statements of the accounts on a real PostgreSQL: each is prepared, which checks names and types. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { migrate } from '@keephold/accounts';
import { openPostgres } from '@keephold/custody/sql';
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
