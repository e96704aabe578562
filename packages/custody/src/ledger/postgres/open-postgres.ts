/** Loads the driver only where there is a PostgreSQL to talk to. */
import { type SqlDatabase, SqlError } from '../sql.ts';
import type { PostgresOptions } from './postgres-options.ts';

/**
 * Connects when first needed.
 * @throws SqlError 'failed' when the address is none; its text has nothing of it, for there may be a password.
 */
export async function openPostgres(options: PostgresOptions): Promise<SqlDatabase> {
  if (!URL.canParse(options.url) || !/^postgres(ql)?:$/.test(new URL(options.url).protocol)) {
    throw new SqlError('failed', 'open database: the address is not postgres://HOST:PORT/DATABASE');
  }
  const { PostgresDatabase } = await import('./postgres-database.ts');
  return new PostgresDatabase(options);
}
