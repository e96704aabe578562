/** Invitations: random codes, kept hashed, good once and for a time. */
import { toBase64Url, utf8Encode } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import type { Sql } from '@keephold/custody/sql';
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
}

export async function invite(sql: Sql, { now, expiresAt, random }: InviteOptions): Promise<NewInvitation> {
  const code = toBase64Url(random(CODE_LENGTH));
  await sql.query(
    'INSERT INTO invitation (code_hash, made_at, expires_at) VALUES (?, ?, ?)',
    hashOf(code),
    now,
    expiresAt,
  );
  return { code, expiresAt };
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

/** Within the transaction that makes the account, after `isGood`. */
export async function useUp(sql: Sql, code: string, accountId: AccountId): Promise<void> {
  await sql.query('UPDATE invitation SET account_id = ? WHERE code_hash = ?', accountId, hashOf(code));
}

function hashOf(code: string): Uint8Array {
  return sha256(utf8Encode(code));
}
