/** Whether the database of the accounts answers, for `/health`: strangers may ask, so it is asked once a second at most. */
import type { AccountsSurroundings } from '@keephold/accounts';

export type DatabaseState = 'ok' | 'away';

/** What answers later than this does not count as there. Milliseconds. */
const PATIENCE = 2000;
const REMEMBERED = 1000;

export function databaseHealth({
  database,
  now,
}: Pick<AccountsSurroundings, 'database' | 'now'>): () => Promise<DatabaseState> {
  let asked: { readonly at: number; readonly state: Promise<DatabaseState> } | undefined;
  const ask = async (): Promise<DatabaseState> => {
    const { promise: late, resolve } = Promise.withResolvers<DatabaseState>();
    const timer = setTimeout(resolve, PATIENCE, 'away');
    const answer = database
      .read(async (sql) => void (await sql.query('SELECT 1')))
      .then(
        (): DatabaseState => 'ok',
        (): DatabaseState => 'away',
      );
    const state = await Promise.race([answer, late]);
    clearTimeout(timer);
    return state;
  };
  return async () => {
    const time = now();
    if (asked === undefined || Math.abs(time - asked.at) >= REMEMBERED) asked = { at: time, state: ask() };
    return await asked.state;
  };
}
