/**
 * Sessions that a password or the words have opened, as every process and their owner can see them. The tokens are not
 * here: this is what one of them is ended by. Devices have theirs by their place in the keychain, and are ended there.
 */
import { bytesAt, numberAt, type Sql, type SqlRow } from '@keephold/custody/sql';
import type { AccountId } from '@keephold/protocol';
import { prefixOf } from './address.ts';
import { appendAudit } from './audit-log.ts';
import type { AccountsSurroundings } from './surroundings.ts';

/** What was shown to open it. */
export type SignInMethod = 'password' | 'words';

const NUMBERS: Readonly<Record<SignInMethod, number>> = { password: 1, words: 2 };

export interface OpenSession {
  /** 16 random bytes; no token can be had from it. */
  readonly sessionId: Uint8Array;
  readonly method: SignInMethod;
  /** Unix milliseconds. */
  readonly openedAt: number;
  readonly expiresAt: number;
  /** The beginning of the address that it was opened from. */
  readonly ipPrefix: string;
}

export async function noteSession(
  { database }: AccountsSurroundings,
  accountId: AccountId,
  session: OpenSession,
): Promise<void> {
  const { sessionId, method, openedAt, expiresAt, ipPrefix } = session;
  await database.transaction(async (sql) => {
    await sql.query('DELETE FROM unlocked_session WHERE expires_at <= ?', openedAt);
    await sql.query(
      `INSERT INTO unlocked_session (session_id, account_id, method, opened_at, expires_at, ip_prefix)
        VALUES (?, ?, ?, ?, ?, ?)`,
      ...[sessionId, accountId, NUMBERS[method], openedAt, expiresAt, ipPrefix],
    );
  });
}

/** Oldest first. One of a process that was stopped is among them until its time is over. */
export async function openSessions(
  { database, now }: AccountsSurroundings,
  accountId: AccountId,
): Promise<readonly OpenSession[]> {
  const text = `SELECT session_id, method, opened_at, expires_at, ip_prefix FROM unlocked_session
    WHERE account_id = ? AND expires_at > ? ORDER BY opened_at, session_id`;
  const rows = await database.read(async (sql) => await sql.query(text, accountId, now()));
  return rows.map(sessionOf);
}

function sessionOf(row: SqlRow): OpenSession {
  return {
    sessionId: bytesAt(row, 0),
    method: numberAt(row, 1) === NUMBERS.words ? 'words' : 'password',
    openedAt: numberAt(row, 2),
    expiresAt: numberAt(row, 3),
    ipPrefix: String(row[4]),
  };
}

export interface SessionEnd {
  readonly accountId: AccountId;
  readonly sessionId: Uint8Array;
  /** Of who ends it. */
  readonly address: string;
}

/** At every process from its next request on. False when the account has no such session. */
export async function endSession({ database, now }: AccountsSurroundings, end: SessionEnd): Promise<boolean> {
  const { accountId, sessionId, address } = end;
  const time = now();
  return await database.transaction(async (sql) => {
    if (!(await isOpen(sql, sessionId, accountId))) return false;
    await sql.query('DELETE FROM unlocked_session WHERE session_id = ?', sessionId);
    await appendAudit(sql, { accountId, type: 'session-ended', now: time, ipPrefix: prefixOf(address) });
    return true;
  });
}

export async function isOpen(sql: Sql, sessionId: Uint8Array, accountId: AccountId): Promise<boolean> {
  const text = 'SELECT 1 FROM unlocked_session WHERE session_id = ? AND account_id = ?';
  return (await sql.query(text, sessionId, accountId)).length > 0;
}
