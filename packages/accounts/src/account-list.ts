/** Which accounts there are, for the server itself and its admins. */
import { bytesAt, numberAt, optionalNumberAt, SqlError } from '@keephold/custody/sql';
import { type AccountId, asAccountId } from '@keephold/protocol';
import type { AccountRole } from './invitations.ts';
import type { AccountsSurroundings } from './surroundings.ts';

/** How many there are. */
export async function countAccounts({ database }: AccountsSurroundings): Promise<number> {
  const [row] = await database.read(async (sql) => await sql.query('SELECT COUNT(*) FROM account'));
  return row === undefined ? 0 : numberAt(row, 0);
}

/** What its owner signs in with, in the one spelling that it is compared in. */
export async function accountName({ database }: AccountsSurroundings, id: AccountId): Promise<string | undefined> {
  const [row] = await database.read(
    async (sql) => await sql.query('SELECT name FROM account WHERE account_id = ?', id),
  );
  return row === undefined ? undefined : textAt(row[0]);
}

export interface AccountSummary {
  readonly accountId: AccountId;
  readonly name: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly role: AccountRole;
  /** Unix milliseconds; undefined: it is not. */
  readonly suspendedAt: number | undefined;
}

/** By name. */
export async function listAccounts({ database }: AccountsSurroundings): Promise<readonly AccountSummary[]> {
  const rows = await database.read(
    async (sql) =>
      await sql.query('SELECT account_id, name, created_at, admin, suspended_at FROM account ORDER BY name'),
  );
  return rows.map((row) => ({
    accountId: asAccountId(bytesAt(row, 0)),
    name: textAt(row[1]),
    createdAt: numberAt(row, 2),
    role: numberAt(row, 3) === 1 ? 'admin' : 'user',
    suspendedAt: optionalNumberAt(row, 4),
  }));
}

/** What the account may do to the server; undefined when there is no such account. */
export async function accountRole({ database }: AccountsSurroundings, id: AccountId): Promise<AccountRole | undefined> {
  const [row] = await database.read(
    async (sql) => await sql.query('SELECT admin FROM account WHERE account_id = ?', id),
  );
  if (row === undefined) return undefined;
  return numberAt(row, 0) === 1 ? 'admin' : 'user';
}

function textAt(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new SqlError('damaged', 'read account: its name is no text');
}
