/**
 * Signing in with the 24 words (security.md §3.9): they give a name for the account and a key that signs. The answer to
 * words that nobody has is like any other.
 */
import { verifyStrict } from '@keephold/crypto/verify';
import { bytesAt } from '@keephold/custody/sql';
import { type AccountId, asAccountId, ID_LENGTH, recoveryText } from '@keephold/protocol';
import { prefixOf, subscriberOf } from './address.ts';
import { beginAttempt, takeAttempt } from './attempts.ts';
import { appendAudit } from './audit-log.ts';
import { decoyId } from './decoy.ts';
import { AccountsError } from './errors.ts';
import { addNotice } from './notices/notice.ts';
import type { SignedIn } from './signed-in.ts';
import type { AccountsSurroundings } from './surroundings.ts';
import { clearTries, requireTry } from './tries.ts';

const ATTEMPT_LENGTH = 32;
const KEY_LENGTH = 32;
/** Seconds that a clock may be off. */
const CLOCK_WINDOW = 60;

export interface RecoveryStart {
  readonly recoveryId: Uint8Array;
  readonly address: string;
}

export interface RecoveryChallenge {
  readonly attemptId: Uint8Array;
  readonly accountId: AccountId;
  readonly serverId: Uint8Array;
}

export interface RecoveryFinish {
  readonly attemptId: Uint8Array;
  /** Unix seconds. */
  readonly time: number;
  /** Ed25519 public key that the session is to be bound to. */
  readonly sessionKey: Uint8Array;
  readonly signature: Uint8Array;
  readonly address: string;
}

/** @throws AccountsError `too-many-tries`, `malformed` */
export async function startRecovery(around: AccountsSurroundings, start: RecoveryStart): Promise<RecoveryChallenge> {
  const { database, serverId, decoySecret, random, now } = around;
  const { recoveryId, address } = start;
  if (recoveryId.length !== ID_LENGTH) throw new AccountsError('malformed');
  const time = now();
  const attemptId = random(ATTEMPT_LENGTH);
  await database.transaction(
    async (sql) => void (await requireTry(sql, 'recovery from', { whom: subscriberOf(address), now: time })),
  );
  return await database.transaction(async (sql) => {
    const limitKey = await requireTry(sql, 'recovery to', { whom: recoveryId, now: time });
    const [row] = await sql.query('SELECT account_id, public_key FROM recovery WHERE recovery_id = ?', recoveryId);
    const known = row !== undefined;
    const accountId = known ? asAccountId(bytesAt(row, 0)) : decoyId(decoySecret, 'account', recoveryId);
    const state = known ? bytesAt(row, 1) : new Uint8Array(KEY_LENGTH);
    await beginAttempt(sql, { attemptId, kind: 'recovery', now: time }, { accountId, known, limitKey, state });
    return { attemptId, accountId, serverId };
  });
}

/** @throws AccountsError `sign-in-refused` */
export async function finishRecovery(around: AccountsSurroundings, finish: RecoveryFinish): Promise<SignedIn> {
  const { database, serverId, now, random } = around;
  const { attemptId, sessionKey, signature, time } = finish;
  const at = now();
  const attempt = await database.transaction(
    async (sql) => await takeAttempt(sql, { attemptId, kind: 'recovery', now: at }),
  );
  const fresh = Number.isSafeInteger(time) && Math.abs(at / 1000 - time) <= CLOCK_WINDOW;
  if (attempt === undefined || !fresh || sessionKey.length !== KEY_LENGTH) throw new AccountsError('sign-in-refused');
  const { accountId, known, limitKey, state: publicKey } = attempt;
  const message = recoveryText({ serverId, accountId, attemptId, time, sessionKey });
  if (!(verifyStrict({ publicKey, message, signature }) && known)) throw new AccountsError('sign-in-refused');
  await database.transaction(async (sql) => {
    if (limitKey !== undefined) await clearTries(sql, limitKey);
    await appendAudit(sql, { accountId, type: 'recovery-login', now: at, ipPrefix: prefixOf(finish.address) });
    await addNotice(sql, { accountId, notice: { kind: 'access', what: 'words' }, now: at, random });
  });
  return { accountId, sessionKey, method: 'words' };
}
