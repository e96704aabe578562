/**
 * Signing in with name and password (security.md §3.6). An account that is not there is answered like one that is, by the
 * same queries and the same work; a wrong password is found by the client, and every start counts as a try.
 */
import { bytesAt, type Sql, type SqlRow } from '@keephold/custody/sql';
import { type AccountId, asAccountId } from '@keephold/protocol';
import { normalName } from './account-name.ts';
import { prefixOf, subscriberOf } from './address.ts';
import { beginAttempt, takeAttempt } from './attempts.ts';
import { appendAudit } from './audit-log.ts';
import { decoyId } from './decoy.ts';
import { AccountsError } from './errors.ts';
import { hasFactor } from './factor.ts';
import { askFactor, type FactorWanted } from './factor-sign-in.ts';
import type { SignedIn } from './signed-in.ts';
import { type AccountsSurroundings, readable } from './surroundings.ts';
import { clearTries, requireTry } from './tries.ts';

const ATTEMPT_LENGTH = 32;

export interface SignInStart {
  readonly name: string;
  /** Of OPAQUE. */
  readonly request: Uint8Array;
  /** Of the caller. */
  readonly address: string;
}

export interface SignInChallenge {
  readonly attemptId: Uint8Array;
  readonly accountId: AccountId;
  readonly serverId: Uint8Array;
  readonly response: Uint8Array;
}

export interface SignInFinish {
  readonly attemptId: Uint8Array;
  readonly message: Uint8Array;
  /** Ed25519 public key that the session is to be bound to, with its MAC. */
  readonly binding: { readonly key: Uint8Array; readonly mac: Uint8Array };
  readonly address: string;
}

/** @throws AccountsError `too-many-tries`, `malformed` */
export async function startSignIn(around: AccountsSurroundings, start: SignInStart): Promise<SignInChallenge> {
  const { database, opaque, serverId, decoySecret, random, now } = around;
  const name = normalName(start.name);
  const time = now();
  // Each in its own transaction: a name that is not answered now does not make tries from an address free.
  await database.transaction(
    async (sql) => void (await requireTry(sql, 'sign-in from', { whom: subscriberOf(start.address), now: time })),
  );
  const counted = await database.transaction(
    async (sql) => await requireTry(sql, 'sign-in to', { whom: name, now: time }),
  );
  const [row] = await database.read(async (sql) => await passwordOf(sql, name));
  const accountId = row === undefined ? decoyId(decoySecret, 'account', name) : asAccountId(bytesAt(row, 0));
  const credentialId = row === undefined ? decoyId(decoySecret, 'credential', name) : bytesAt(row, 1);
  const record = row === undefined ? undefined : bytesAt(row, 2);
  const parties = { accountId, serverId };
  const { state, response } = readable(() =>
    opaque.startLogin({ credentialId, record, request: start.request, parties }),
  );
  const attemptId = random(ATTEMPT_LENGTH);
  await database.transaction(async (sql) => {
    const attempt = { accountId, known: row !== undefined, limitKey: counted, state };
    await beginAttempt(sql, { attemptId, kind: 'sign-in', now: time }, attempt);
  });
  return { attemptId, accountId, serverId, response };
}

/** A session, or with a second factor what it takes to go on. @throws AccountsError `sign-in-refused` */
export async function finishSignIn(
  around: AccountsSurroundings,
  finish: SignInFinish,
): Promise<SignedIn | FactorWanted> {
  const { database, opaque, serverId, now } = around;
  const time = now();
  const { attemptId, message, binding } = finish;
  const attempt = await database.transaction(
    async (sql) => await takeAttempt(sql, { attemptId, kind: 'sign-in', now: time }),
  );
  if (attempt === undefined) throw new AccountsError('sign-in-refused');
  const { accountId, known, limitKey, state } = attempt;
  const right = opaque.finishLogin({ state, message, parties: { accountId, serverId }, binding });
  if (!(right && known)) throw new AccountsError('sign-in-refused');
  const { address } = finish;
  const sessionKey = binding.key;
  return await database.transaction(async (sql) => {
    if (await hasFactor(sql, accountId)) {
      return await askFactor(sql, around, { accountId, sessionKey, limitKey, address });
    }
    if (limitKey !== undefined) await clearTries(sql, limitKey);
    await appendAudit(sql, { accountId, type: 'signed-in', now: time, ipPrefix: prefixOf(address) });
    return { accountId, sessionKey, method: 'password' };
  });
}

/** The slot that the password opens, for who has signed in. */
export async function passwordSlot(
  around: AccountsSurroundings,
  accountId: AccountId,
): Promise<Uint8Array | undefined> {
  const [row] = await around.database.read(
    async (sql) => await sql.query('SELECT slot FROM password WHERE account_id = ?', accountId),
  );
  return row === undefined ? undefined : bytesAt(row, 0);
}

async function passwordOf(sql: Sql, name: string): Promise<readonly SqlRow[]> {
  return await sql.query(
    `SELECT account.account_id, password.credential_id, password.record FROM account
      JOIN password ON password.account_id = account.account_id WHERE account.name = ?`,
    name,
  );
}
