/** Tables that are made once and then changed step by step; a step that was released is never changed. */
import { utf8Encode } from '@keephold/bytes';
import { numberAt, type Sql, type SqlDatabase, SqlError } from './sql.ts';

/** Statements of one step, in order. */
export type Migration = readonly string[];

export interface MigrateOptions {
  /** Where the number of steps that were done is kept. */
  readonly versionTable: string;
  readonly migrations: readonly Migration[];
}

/**
 * Brings the tables to this version; of several processes that start at once, one does it.
 * @throws SqlError 'newer-version'
 */
export async function migrate(database: SqlDatabase, { versionTable, migrations }: MigrateOptions): Promise<void> {
  await database.exclusive(utf8Encode(`migrate ${versionTable}`), async (sql) => {
    await sql.query(`CREATE TABLE IF NOT EXISTS ${versionTable} (version BIGINT NOT NULL)`);
    const done = await doneSteps(sql, versionTable);
    if (done > migrations.length) {
      throw new SqlError('newer-version', `open database: ${versionTable} ${done} was made by a newer version`);
    }
    for (const statements of migrations.slice(done)) for (const text of statements) await sql.query(text);
    await sql.query(`UPDATE ${versionTable} SET version = ?`, migrations.length);
  });
}

async function doneSteps(sql: Sql, versionTable: string): Promise<number> {
  const [row] = await sql.query(`SELECT version FROM ${versionTable}`);
  if (row !== undefined) return numberAt(row, 0);
  await sql.query(`INSERT INTO ${versionTable} (version) VALUES (?)`, 0);
  return 0;
}
