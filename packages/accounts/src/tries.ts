/**
 * How often somebody may try (security.md §5). A full window is a strike, and after each the next windows let one try
 * through and are longer, up to an hour: a lock that no attacker can make permanent. A success clears it, and so does a
 * day without a try.
 */
import { utf8Encode } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { numberAt, type Sql } from '@keephold/custody/sql';
import { AccountsError } from './errors.ts';

export interface Limit {
  readonly tries: number;
  /** Milliseconds. */
  readonly window: number;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export type LimitName =
  | 'sign-in from'
  | 'sign-in to'
  | 'factor of'
  | 'sign-up from'
  | 'recovery from'
  | 'recovery to'
  | 'pairing from'
  | 'mail of'
  | 'code of';

/** By what is being tried. */
export const LIMITS: Readonly<Record<LimitName, Limit>> = {
  'sign-in from': { tries: 10, window: MINUTE },
  'sign-in to': { tries: 5, window: 15 * MINUTE },
  'factor of': { tries: 5, window: 15 * MINUTE },
  'sign-up from': { tries: 10, window: MINUTE },
  'recovery from': { tries: 10, window: MINUTE },
  'recovery to': { tries: 5, window: DAY },
  'pairing from': { tries: 10, window: MINUTE },
  'mail of': { tries: 3, window: 60 * MINUTE },
  'code of': { tries: 10, window: 60 * MINUTE },
};

/** Beyond every window with a day after it. */
export const FORGOTTEN_AFTER: number = 3 * DAY;
const LONGEST_WINDOW = 60 * MINUTE;

/** Neither names nor addresses are kept, only what tells them apart. */
function limitKey(name: LimitName, whom: string | Uint8Array): Uint8Array {
  return sha256(utf8Encode(`${name}\0`), typeof whom === 'string' ? utf8Encode(whom) : whom);
}

interface Tries {
  readonly since: number;
  readonly count: number;
  readonly strikes: number;
}

/** What a try makes of the tries before it; undefined: not now. */
export function countTry(before: Tries | undefined, limit: Limit, now: number): Tries | { readonly waitUntil: number } {
  if (before === undefined || now - before.since >= DAY + limit.window) return { since: now, count: 1, strikes: 0 };
  const { since, count, strikes } = before;
  const window =
    strikes === 0 ? limit.window : Math.max(limit.window, Math.min(LONGEST_WINDOW, limit.window * 2 ** strikes));
  const allowed = strikes === 0 ? limit.tries : 1;
  if (now - since < window) {
    return count < allowed ? { since, count: count + 1, strikes } : { waitUntil: since + window };
  }
  const full = count >= allowed;
  return { since: now, count: 1, strikes: full ? strikes + 1 : Math.max(0, strikes - 1) };
}

export interface Try {
  readonly whom: string | Uint8Array;
  readonly now: number;
}

/**
 * Counts a try, and forgets what no longer counts for anything.
 * @returns what `clearTries` takes
 * @throws AccountsError `too-many-tries`
 */
export async function requireTry(sql: Sql, name: LimitName, { whom, now }: Try): Promise<Uint8Array> {
  const key = limitKey(name, whom);
  await sql.query('DELETE FROM tries WHERE since < ?', now - FORGOTTEN_AFTER);
  const [row] = await sql.query('SELECT since, count, strikes FROM tries WHERE limit_key = ?', key);
  const before =
    row === undefined ? undefined : { since: numberAt(row, 0), count: numberAt(row, 1), strikes: numberAt(row, 2) };
  const after = countTry(before, LIMITS[name], now);
  if ('waitUntil' in after) {
    throw new AccountsError('too-many-tries', { retryAfter: Math.max(1, Math.ceil((after.waitUntil - now) / 1000)) });
  }
  await sql.query(
    `INSERT INTO tries (limit_key, since, count, strikes) VALUES (?, ?, ?, ?) ON CONFLICT (limit_key)
      DO UPDATE SET since = excluded.since, count = excluded.count, strikes = excluded.strikes`,
    key,
    after.since,
    after.count,
    after.strikes,
  );
  return key;
}

export async function clearTries(sql: Sql, key: Uint8Array): Promise<void> {
  await sql.query('DELETE FROM tries WHERE limit_key = ?', key);
}
