/** Invitations: random codes, kept hashed, good once and for a time. */
import { toBase64Url, utf8Encode } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { bytesAt, numberAt, type Sql } from '@keephold/custody/sql';
import type { AccountId } from '@keephold/protocol';

const CODE_LENGTH = 20;

export interface NewInvitation {
  /** To be handed over; it cannot be shown again. */
  readonly code: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

export interface InviteOptions {
  readonly now: number;
  readonly expiresAt: number;
  readonly random: (length: number) => Uint8Array;
  /** What the account that it makes may do to the server. */
  readonly role?: AccountRole;
}

/** admin: invites, and sees who uses how much; no more of anybody's content than others. */
export type AccountRole = 'user' | 'admin';

export async function invite(
  sql: Sql,
  { now, expiresAt, random, role = 'user' }: InviteOptions,
): Promise<NewInvitation> {
  const code = toBase64Url(random(CODE_LENGTH));
  await sql.query('DELETE FROM invitation WHERE account_id IS NULL AND expires_at <= ?', now);
  await sql.query(
    'INSERT INTO invitation (code_hash, made_at, expires_at, admin) VALUES (?, ?, ?, ?)',
    hashOf(code),
    now,
    expiresAt,
    role === 'admin' ? 1 : 0,
  );
  return { code, expiresAt };
}

export interface OpenInvitation {
  /** Hash of the code, which nobody can make from it. */
  readonly id: Uint8Array;
  /** Unix milliseconds. */
  readonly madeAt: number;
  readonly expiresAt: number;
}

/** Those that somebody could use now, oldest first. */
export async function openInvitations(sql: Sql, now: number): Promise<readonly OpenInvitation[]> {
  const text = `SELECT code_hash, made_at, expires_at FROM invitation
    WHERE account_id IS NULL AND expires_at > ? ORDER BY made_at, code_hash`;
  const rows = await sql.query(text, now);
  return rows.map((row) => ({ id: bytesAt(row, 0), madeAt: numberAt(row, 1), expiresAt: numberAt(row, 2) }));
}

/** False when there is none, or it was used. */
export async function withdrawInvitation(sql: Sql, id: Uint8Array): Promise<boolean> {
  const open = await sql.query('SELECT 1 FROM invitation WHERE code_hash = ? AND account_id IS NULL', id);
  if (open.length === 0) return false;
  await sql.query('DELETE FROM invitation WHERE code_hash = ?', id);
  return true;
}

/** Whether the code is good now, for anyone or for the account that used it already (its answer was lost). */
export async function isGood(sql: Sql, code: string, now: number, accountId?: AccountId): Promise<boolean> {
  const rows = await sql.query(
    'SELECT 1 FROM invitation WHERE code_hash = ? AND expires_at > ? AND (account_id IS NULL OR account_id = ?)',
    hashOf(code),
    now,
    accountId ?? new Uint8Array(0),
  );
  return rows.length === 1;
}

/** Within the transaction that makes the account, after `isGood`. Answers what the account may do. */
export async function useUp(sql: Sql, code: string, accountId: AccountId): Promise<AccountRole> {
  const [row] = await sql.query('SELECT admin FROM invitation WHERE code_hash = ?', hashOf(code));
  await sql.query('UPDATE invitation SET account_id = ? WHERE code_hash = ?', accountId, hashOf(code));
  return row !== undefined && numberAt(row, 0) === 1 ? 'admin' : 'user';
}

function hashOf(code: string): Uint8Array {
  return sha256(utf8Encode(code));
}
