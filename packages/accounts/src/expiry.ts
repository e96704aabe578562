/**
 * Clearing away what nobody can use any more: attempts, pairings, sessions, invitations, counts of tries. Each is refused by
 * its time wherever it is read; this only keeps the tables small, a bounded number of rows at a time. Any number of
 * processes may do it at once.
 */
import type { SqlDatabase } from '@keephold/custody/sql';
import type { AccountsSurroundings } from './surroundings.ts';
import { FORGOTTEN_AFTER } from './tries.ts';

interface Expiring {
  /** The keys of some rows whose time is over, the oldest first. */
  readonly find: string;
  /** By key, when its time is over still: another process may have made it anew. */
  readonly remove: string;
  /** Milliseconds for which it is kept beyond the time it names. */
  readonly after: number;
}

const EXPIRING: readonly Expiring[] = [
  {
    find: 'SELECT attempt_id FROM attempt WHERE expires_at <= ? ORDER BY expires_at LIMIT ?',
    remove: 'DELETE FROM attempt WHERE attempt_id = ? AND expires_at <= ?',
    after: 0,
  },
  {
    find: 'SELECT ticket_id FROM pairing WHERE expires_at <= ? ORDER BY expires_at LIMIT ?',
    remove: 'DELETE FROM pairing WHERE ticket_id = ? AND expires_at <= ?',
    after: 0,
  },
  {
    find: 'SELECT session_id FROM unlocked_session WHERE expires_at <= ? ORDER BY expires_at LIMIT ?',
    remove: 'DELETE FROM unlocked_session WHERE session_id = ? AND expires_at <= ?',
    after: 0,
  },
  {
    find: 'SELECT code_hash FROM invitation WHERE account_id IS NULL AND expires_at <= ? ORDER BY expires_at LIMIT ?',
    remove: 'DELETE FROM invitation WHERE code_hash = ? AND account_id IS NULL AND expires_at <= ?',
    after: 0,
  },
  {
    find: 'SELECT limit_key FROM tries WHERE since <= ? ORDER BY since LIMIT ?',
    remove: 'DELETE FROM tries WHERE limit_key = ? AND since <= ?',
    after: FORGOTTEN_AFTER,
  },
];

/** At most `most` of each kind. Answers how many were found: fewer than `most` of each means that none is left. */
export async function clearExpired(
  { database, now }: Pick<AccountsSurroundings, 'database' | 'now'>,
  most: number,
): Promise<readonly number[]> {
  const time = now();
  const cleared: number[] = [];
  for (const expiring of EXPIRING) cleared.push(await clearOne(database, expiring, { time, most }));
  return cleared;
}

async function clearOne(
  database: SqlDatabase,
  { find, remove, after }: Expiring,
  { time, most }: { readonly time: number; readonly most: number },
): Promise<number> {
  const keys = (await database.read(async (sql) => await sql.query(find, time - after, most))).map(([key]) => key);
  if (keys.length === 0) return 0;
  await database.transaction(async (sql) => {
    for (const key of keys) await sql.query(remove, key as Uint8Array, time - after);
  });
  return keys.length;
}
