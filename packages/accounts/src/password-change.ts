/**
 * Another password: a new registration under a new credential, and its slot, in one transaction (security.md §3.6). The
 * caller has signed in afresh; its keychain names the new slot already, and the old one until after this.
 */
import { equalBytes } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import type { Sql } from '@keephold/custody/sql';
import { type AccountId, ID_LENGTH, type KeychainState } from '@keephold/protocol';
import { prefixOf } from './address.ts';
import { beginAttempt, takeAttempt } from './attempts.ts';
import { appendAudit } from './audit-log.ts';
import { AccountsError } from './errors.ts';
import { namesSlot } from './named-slot.ts';
import { addNotice } from './notices/notice.ts';
import { type AccountsSurroundings, readable } from './surroundings.ts';

const ATTEMPT_LENGTH = 32;
const LONGEST_RECORD = 1024;

export interface PasswordChangeChallenge {
  readonly attemptId: Uint8Array;
  readonly response: Uint8Array;
}

export interface PasswordChangeFinish {
  readonly attemptId: Uint8Array;
  /** Of the account that has signed in, as it is kept now. */
  readonly keychain: KeychainState;
  readonly record: Uint8Array;
  readonly slotId: Uint8Array;
  readonly slot: Uint8Array;
  readonly address: string;
}

/** @throws AccountsError `malformed` */
export async function startPasswordChange(
  around: AccountsSurroundings,
  accountId: AccountId,
  request: Uint8Array,
): Promise<PasswordChangeChallenge> {
  const { database, opaque, random, now } = around;
  const credentialId = random(ID_LENGTH);
  const attemptId = random(ATTEMPT_LENGTH);
  const response = readable(() => opaque.register(credentialId, request));
  await database.transaction(async (sql) => {
    await beginAttempt(
      sql,
      { attemptId, kind: 'password', now: now() },
      { accountId, known: true, state: credentialId },
    );
  });
  return { attemptId, response };
}

/** @throws AccountsError `sign-in-refused` for an attempt that is not there, `malformed` when nobody could open the slot. */
export async function finishPasswordChange(around: AccountsSurroundings, finish: PasswordChangeFinish): Promise<void> {
  const { database, setupId, now, random } = around;
  const { attemptId, keychain, record, slotId, slot } = finish;
  const { accountId } = keychain;
  const time = now();
  const opens = namesSlot(keychain, { slotId, method: 'opaque', hash: sha256(slot) });
  if (!opens || record.length > LONGEST_RECORD) throw new AccountsError('malformed');
  await database.transaction(async (sql) => {
    const attempt = await takeAttempt(sql, { attemptId, kind: 'password', now: time });
    if (attempt === undefined && (await isInPlace(sql, accountId, { record, slotId }))) return;
    if (attempt === undefined || !equalBytes(attempt.accountId, accountId)) throw new AccountsError('sign-in-refused');
    await sql.query(
      'UPDATE password SET credential_id = ?, setup_id = ?, record = ?, slot_id = ?, slot = ? WHERE account_id = ?',
      attempt.state,
      setupId,
      record,
      slotId,
      slot,
      accountId,
    );
    await appendAudit(sql, { accountId, type: 'password-changed', now: time, ipPrefix: prefixOf(finish.address) });
    await addNotice(sql, { accountId, notice: { kind: 'access', what: 'password' }, now: time, random });
  });
}

/** Done before, and the answer was lost. */
async function isInPlace(
  sql: Sql,
  accountId: AccountId,
  { record, slotId }: Pick<PasswordChangeFinish, 'record' | 'slotId'>,
): Promise<boolean> {
  const rows = await sql.query(
    'SELECT 1 FROM password WHERE account_id = ? AND record = ? AND slot_id = ?',
    accountId,
    record,
    slotId,
  );
  return rows.length === 1;
}
