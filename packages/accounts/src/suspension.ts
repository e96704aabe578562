/**
 * An admin suspends an account and takes that back. A suspended account stores nothing new and administers nothing;
 * signing in, reading and restoring go on, and so does all retention: what is kept is its owner's. Either way every session
 * ends, so that no process goes by what it knew before.
 */
import { equalBytes } from '@keephold/bytes';
import { bytesAt, numberAt, optionalNumberAt, type Sql } from '@keephold/custody/sql';
import { type AccountId, asAccountId } from '@keephold/protocol';
import { prefixOf } from './address.ts';
import { appendAudit } from './audit-log.ts';
import { AccountsError } from './errors.ts';
import { addNotice } from './notices/notice.ts';
import { endEverySession } from './session-epoch.ts';
import type { AccountsSurroundings } from './surroundings.ts';

export interface Suspension {
  /** What its owner signs in with, as it is stored. */
  readonly account: string;
  /** The admin who asks. */
  readonly by: AccountId;
  /** Of the admin. */
  readonly address: string;
  readonly to: 'suspended' | 'active';
}

/**
 * Answers whose sessions ended; undefined when the account was so already, and nothing did.
 * @throws AccountsError `no-such-account`; `own-account` when an admin would suspend himself; `not-admin` when he is
 *   suspended himself by now: of two who suspend each other, one stays.
 */
export async function setSuspension(
  { database, now, random }: AccountsSurroundings,
  { account, by, address, to }: Suspension,
): Promise<AccountId | undefined> {
  const time = now();
  return await database.transaction(async (sql) => {
    await requireActiveAdmin(sql, by);
    const [row] = await sql.query('SELECT account_id, suspended_at FROM account WHERE name = ?', account);
    if (row === undefined) throw new AccountsError('no-such-account');
    const accountId = asAccountId(bytesAt(row, 0));
    if (to === 'suspended' && equalBytes(accountId, by)) throw new AccountsError('own-account');
    const isSuspended = optionalNumberAt(row, 1) !== undefined;
    if (isSuspended === (to === 'suspended')) return undefined;
    const since = to === 'suspended' ? time : null;
    await sql.query('UPDATE account SET suspended_at = ? WHERE account_id = ?', since, accountId);
    await endEverySession(sql, accountId);
    const type = to === 'suspended' ? 'suspended' : 'resumed';
    await appendAudit(sql, { accountId, type, now: time, ipPrefix: '' });
    await appendAudit(sql, { accountId: by, type: `account-${type}`, now: time, ipPrefix: prefixOf(address) });
    await addNotice(sql, { accountId, notice: { kind: type }, now: time, random });
    return accountId;
  });
}

async function requireActiveAdmin(sql: Sql, by: AccountId): Promise<void> {
  const [row] = await sql.query('SELECT admin, suspended_at FROM account WHERE account_id = ?', by);
  const isActive = row !== undefined && numberAt(row, 0) === 1 && optionalNumberAt(row, 1) === undefined;
  if (!isActive) throw new AccountsError('not-admin');
}
