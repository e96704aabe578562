/** A count for each account that every process sees: sessions of an earlier count are over, wherever they were opened. */
import { numberAt } from '@keephold/custody/sql';
import type { AccountId } from '@keephold/protocol';
import type { AccountsSurroundings } from './surroundings.ts';

/** 0 where no session was ever ended. */
export async function sessionEpoch({ database }: AccountsSurroundings, accountId: AccountId): Promise<number> {
  const [row] = await database.read(
    async (sql) => await sql.query('SELECT epoch FROM session_epoch WHERE account_id = ?', accountId),
  );
  return row === undefined ? 0 : numberAt(row, 0);
}

/** Answers the count of sessions that are to go on. */
export async function endSessions({ database }: AccountsSurroundings, accountId: AccountId): Promise<number> {
  return await database.transaction(async (sql) => {
    await sql.query(
      `INSERT INTO session_epoch (account_id, epoch) VALUES (?, 1)
        ON CONFLICT (account_id) DO UPDATE SET epoch = session_epoch.epoch + 1`,
      accountId,
    );
    const [row] = await sql.query('SELECT epoch FROM session_epoch WHERE account_id = ?', accountId);
    return row === undefined ? 0 : numberAt(row, 0);
  });
}
