/** A count for each account that every process sees: sessions of an earlier count are over, wherever they were opened. */
import { numberAt, optionalNumberAt, type Sql } from '@keephold/custody/sql';
import type { AccountId } from '@keephold/protocol';
import type { AccountsSurroundings } from './surroundings.ts';
import { isOpen } from './unlocked-sessions.ts';

export interface SessionStanding {
  readonly epoch: number;
  /** It stores nothing new (suspension.ts). */
  readonly isSuspended: boolean;
}

/** What a session that is opened now is held to: whoever changes the one or the other ends it. */
export async function sessionStanding(
  { database }: AccountsSurroundings,
  accountId: AccountId,
): Promise<SessionStanding> {
  return await database.read(async (sql) => {
    // In this order: a suspension in between has another count, and the session ends at its first request.
    const epoch = await epochOf(sql, accountId);
    const [row] = await sql.query('SELECT suspended_at FROM account WHERE account_id = ?', accountId);
    return { epoch, isSuspended: row !== undefined && optionalNumberAt(row, 0) !== undefined };
  });
}

export interface SessionToCompare {
  readonly accountId: AccountId;
  /** Undefined for a session of a device. */
  readonly sessionId: Uint8Array | undefined;
  readonly epoch: number;
}

/** Whether nothing has ended it since, wherever that was sent to. */
export async function goesOn({ database }: AccountsSurroundings, session: SessionToCompare): Promise<boolean> {
  const { accountId, sessionId, epoch } = session;
  return await database.read(async (sql) => {
    if ((await epochOf(sql, accountId)) !== epoch) return false;
    return sessionId === undefined || (await isOpen(sql, sessionId, accountId));
  });
}

/** But for `stays`, when it is given. Answers the count of sessions that are to go on. */
export async function endSessions(
  { database }: AccountsSurroundings,
  accountId: AccountId,
  stays: Uint8Array | undefined,
): Promise<number> {
  return await database.transaction(async (sql) => await endEverySession(sql, accountId, stays));
}

/** Within a transaction that changes what they go by. */
export async function endEverySession(sql: Sql, accountId: AccountId, stays?: Uint8Array): Promise<number> {
  await sql.query(
    `INSERT INTO session_epoch (account_id, epoch) VALUES (?, 1)
      ON CONFLICT (account_id) DO UPDATE SET epoch = session_epoch.epoch + 1`,
    accountId,
  );
  const others = 'DELETE FROM unlocked_session WHERE account_id = ? AND session_id <> ?';
  await sql.query(others, accountId, stays ?? new Uint8Array(0));
  return await epochOf(sql, accountId);
}

async function epochOf(sql: Sql, accountId: AccountId): Promise<number> {
  const [row] = await sql.query('SELECT epoch FROM session_epoch WHERE account_id = ?', accountId);
  return row === undefined ? 0 : numberAt(row, 0);
}
