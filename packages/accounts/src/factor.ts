/**
 * A second factor beside the password (security.md §5): codes by time, and ten recovery codes for when the device that
 * shows them is gone. Each is taken once, at whichever process: what takes it compares and sets in one transaction.
 */
import { equalBytes, fromHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { bytesAt, numberAt, type Sql } from '@keephold/custody/sql';
import type { AccountId } from '@keephold/protocol';
import { prefixOf } from './address.ts';
import { appendAudit } from './audit-log.ts';
import type { AccountsSurroundings } from './surroundings.ts';

/** Hexadecimal digits of a recovery code: 80 bits. */
const RECOVERY_CODE_BYTES = 10;
export const RECOVERY_CODES = 10;

export interface FactorState {
  /** Unix milliseconds; undefined: there is none. */
  readonly since: number | undefined;
  /** Recovery codes that were not used. */
  readonly codesLeft: number;
}

export async function factorOf({ database }: AccountsSurroundings, accountId: AccountId): Promise<FactorState> {
  return await database.read(async (sql) => {
    const [row] = await sql.query('SELECT since FROM factor WHERE account_id = ?', accountId);
    const [codes] = await sql.query('SELECT COUNT(*) FROM factor_code WHERE account_id = ?', accountId);
    return {
      since: row === undefined ? undefined : numberAt(row, 0),
      codesLeft: codes === undefined ? 0 : numberAt(codes, 0),
    };
  });
}

export async function hasFactor(sql: Sql, accountId: AccountId): Promise<boolean> {
  return (await sql.query('SELECT 1 FROM factor WHERE account_id = ?', accountId)).length > 0;
}

/** Of a code that was given: what is to be compared and set. */
export type CodeToTake =
  | { readonly kind: 'time'; readonly sealed: Uint8Array; readonly step: number }
  | { readonly kind: 'recovery'; readonly hash: Uint8Array };

/** Outside of the transaction, for it opens what is sealed. Undefined: it fits nothing, whatever was used. */
export async function recogniseCode(
  { database, factors, now }: AccountsSurroundings,
  accountId: AccountId,
  code: string,
): Promise<CodeToTake | undefined> {
  if (code.length === 2 * RECOVERY_CODE_BYTES) return { kind: 'recovery', hash: codeHash(accountId, fromHex(code)) };
  const sealed = await database.read(async (sql) => await sealedOf(sql, accountId));
  if (sealed === undefined) return undefined;
  const step = await factors.stepOf({ accountId, sealed, code, now: now() });
  return step === undefined ? undefined : { kind: 'time', sealed, step };
}

/** False when it was taken before, or the factor is another one since. */
export async function takeCode(sql: Sql, accountId: AccountId, code: CodeToTake): Promise<boolean> {
  if (code.kind === 'recovery') return await takeRecoveryCode(sql, accountId, code.hash);
  const [row] = await sql.query('SELECT sealed, last_step FROM factor WHERE account_id = ?', accountId);
  if (row === undefined || !equalBytes(bytesAt(row, 0), code.sealed) || numberAt(row, 1) >= code.step) return false;
  const text = 'UPDATE factor SET last_step = ? WHERE account_id = ? AND last_step < ?';
  await sql.query(text, code.step, accountId, code.step);
  return true;
}

async function takeRecoveryCode(sql: Sql, accountId: AccountId, hash: Uint8Array): Promise<boolean> {
  const text = 'SELECT 1 FROM factor_code WHERE account_id = ? AND code_hash = ?';
  const found = await sql.query(text, accountId, hash);
  await sql.query('DELETE FROM factor_code WHERE account_id = ? AND code_hash = ?', accountId, hash);
  return found.length > 0;
}

export function newRecoveryCodes(random: (length: number) => Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: RECOVERY_CODES }, () => random(RECOVERY_CODE_BYTES));
}

export async function storeRecoveryCodes(sql: Sql, accountId: AccountId, hashes: readonly Uint8Array[]): Promise<void> {
  for (const hash of hashes) {
    await sql.query('INSERT INTO factor_code (account_id, code_hash) VALUES (?, ?)', accountId, hash);
  }
}

/** Recovery codes are random enough for a fast hash; the same code of two accounts has two hashes. */
export function codeHash(accountId: AccountId, code: Uint8Array): Uint8Array {
  return sha256(accountId, code);
}

/** False when there is none. Its owner may, who has just shown it, or the 24 words. */
export async function removeFactor(
  { database, now }: AccountsSurroundings,
  accountId: AccountId,
  address: string,
): Promise<boolean> {
  const time = now();
  return await database.transaction(async (sql) => {
    if (!(await hasFactor(sql, accountId))) return false;
    await sql.query('DELETE FROM factor WHERE account_id = ?', accountId);
    await sql.query('DELETE FROM factor_code WHERE account_id = ?', accountId);
    await appendAudit(sql, { accountId, type: 'factor-removed', now: time, ipPrefix: prefixOf(address) });
    return true;
  });
}

async function sealedOf(sql: Sql, accountId: AccountId): Promise<Uint8Array | undefined> {
  const [row] = await sql.query('SELECT sealed FROM factor WHERE account_id = ?', accountId);
  return row === undefined ? undefined : bytesAt(row, 0);
}
