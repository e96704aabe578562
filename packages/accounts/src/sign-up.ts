/**
 * A new account, by invitation. The client has made everything; what is checked here is that the account names this server
 * and can be opened again: its keychain begins with our keys and names the slots that come with it.
 */
import { equalBytes } from '@keephold/bytes';
import { sha256, verifyStrict } from '@keephold/crypto/verify';
import type { Sql } from '@keephold/custody/sql';
import {
  type AccountId,
  asAccountId,
  ChainError,
  ID_LENGTH,
  type KeychainState,
  MalformedRecordError,
  walkKeychain,
} from '@keephold/protocol';
import { normalName } from './account-name.ts';
import { prefixOf, subscriberOf } from './address.ts';
import { beginAttempt, takeAttempt } from './attempts.ts';
import { appendAudit } from './audit-log.ts';
import { AccountsError } from './errors.ts';
import { type AccountRole, isGood, useUp } from './invitations.ts';
import { namesSlot } from './named-slot.ts';
import { fitsRecovery, insertRecovery, type RecoveryRecords } from './recovery-keys.ts';
import { type AccountsSurroundings, readable } from './surroundings.ts';
import { requireTry } from './tries.ts';

const ATTEMPT_LENGTH = 32;
const LONGEST_RECORD = 1024;

export interface SignUpStart {
  readonly invitation: string;
  /** Of OPAQUE. */
  readonly request: Uint8Array;
  readonly address: string;
}

export interface SignUpChallenge {
  readonly attemptId: Uint8Array;
  readonly serverId: Uint8Array;
  /** For the genesis of the account. */
  readonly eventKey: Uint8Array;
  readonly response: Uint8Array;
}

/** A way in with what the server keeps for it. */
interface PasswordRecords {
  /** Of OPAQUE. */
  readonly record: Uint8Array;
  readonly slotId: Uint8Array;
  readonly slot: Uint8Array;
}

export interface SignUpFinish {
  readonly attemptId: Uint8Array;
  readonly invitation: string;
  readonly name: string;
  readonly keychain: readonly Uint8Array[];
  readonly password: PasswordRecords;
  readonly recovery: RecoveryRecords | undefined;
  readonly address: string;
}

/** @throws AccountsError `sign-up-refused`, `too-many-tries`, `malformed` */
export async function startSignUp(around: AccountsSurroundings, start: SignUpStart): Promise<SignUpChallenge> {
  const { database, opaque, serverId, eventKey, random, now } = around;
  const time = now();
  // Whoever registers gets answers under a name of its own: they help nobody to guess another's password.
  const credentialId = random(ID_LENGTH);
  const attemptId = random(ATTEMPT_LENGTH);
  await database.transaction(
    async (sql) => void (await requireTry(sql, 'sign-up from', { whom: subscriberOf(start.address), now: time })),
  );
  await database.transaction(async (sql) => {
    if (!(await mayBegin(around, sql, start.invitation, time))) throw new AccountsError('sign-up-refused');
    const attempt = { accountId: asAccountId(new Uint8Array(ID_LENGTH)), known: false, state: credentialId };
    await beginAttempt(sql, { attemptId, kind: 'sign-up', now: time }, attempt);
  });
  const response = readable(() => opaque.register(credentialId, start.request));
  return { attemptId, serverId, eventKey, response };
}

/**
 * `publish` stores the account's records where they are kept and can be repeated; it runs before anything points to them.
 * @throws AccountsError `sign-up-refused`, `malformed`; what `publish` throws
 */
export async function finishSignUp(
  around: AccountsSurroundings,
  finish: SignUpFinish,
  publish: (accountId: AccountId) => Promise<void>,
): Promise<AccountId> {
  const { database, now } = around;
  const keychain = readAccount(around, finish);
  const { accountId } = keychain;
  const name = normalName(finish.name);
  const time = now();
  const attempt = await database.transaction(async (sql) => {
    const taken = await takeAttempt(sql, { attemptId: finish.attemptId, kind: 'sign-up', now: time });
    if (taken === undefined) throw new AccountsError('sign-up-refused');
    await requireFree(around, sql, { name, accountId, invitation: finish.invitation, time });
    return taken;
  });
  await publish(accountId);
  await database.transaction(async (sql) => {
    await requireFree(around, sql, { name, accountId, invitation: finish.invitation, time });
    const role = await useUp(sql, finish.invitation, accountId);
    await insertAccount(sql, { around, finish, name, role, keychain, credentialId: attempt.state, time });
    await appendAudit(sql, { accountId, type: 'signed-up', now: time, ipPrefix: prefixOf(finish.address) });
  });
  return accountId;
}

interface Wanted {
  readonly name: string;
  readonly accountId: AccountId;
  readonly invitation: string;
  readonly time: number;
}

/** One refusal for all: a stranger does not learn which names there are. */
async function requireFree(around: AccountsSurroundings, sql: Sql, wanted: Wanted): Promise<void> {
  const { name, accountId, invitation, time } = wanted;
  const taken = await sql.query('SELECT 1 FROM account WHERE name = ? OR account_id = ?', name, accountId);
  const good = await mayBegin(around, sql, invitation, time);
  if (taken.length > 0 || !good) throw new AccountsError('sign-up-refused');
}

async function mayBegin(
  { signUp }: AccountsSurroundings,
  sql: Sql,
  invitation: string,
  time: number,
): Promise<boolean> {
  return (signUp === 'open' && invitation === '') || (await isGood(sql, invitation, time));
}

interface AccountRow {
  readonly around: AccountsSurroundings;
  readonly finish: SignUpFinish;
  readonly name: string;
  readonly role: AccountRole;
  readonly keychain: KeychainState;
  readonly credentialId: Uint8Array;
  readonly time: number;
}

async function insertAccount(sql: Sql, row: AccountRow): Promise<void> {
  const { around, finish, name, role, keychain, credentialId, time } = row;
  const { accountId } = keychain;
  const { password, recovery } = finish;
  await sql.query(
    'INSERT INTO account (account_id, name, created_at, admin) VALUES (?, ?, ?, ?)',
    accountId,
    name,
    time,
    role === 'admin' ? 1 : 0,
  );
  await sql.query(
    'INSERT INTO password (account_id, credential_id, setup_id, record, slot_id, slot) VALUES (?, ?, ?, ?, ?, ?)',
    accountId,
    credentialId,
    around.setupId,
    password.record,
    password.slotId,
    password.slot,
  );
  if (recovery !== undefined && !(await insertRecovery(sql, keychain, recovery))) {
    throw new AccountsError('sign-up-refused');
  }
}

function readAccount(around: AccountsSurroundings, { keychain, password, recovery }: SignUpFinish): KeychainState {
  const state = walked(keychain);
  const isOurs =
    state.eventKey !== undefined &&
    equalBytes(state.eventKey, around.eventKey) &&
    state.opaqueKey !== undefined &&
    equalBytes(state.opaqueKey, around.opaque.publicKey);
  const hash = sha256(password.slot);
  const named = namesSlot(state, { slotId: password.slotId, method: 'opaque', hash });
  const opens = named && password.record.length <= LONGEST_RECORD;
  const recovers = recovery === undefined || fitsRecovery(state, recovery);
  if (!(isOurs && opens && recovers)) throw new AccountsError('malformed');
  return state;
}

function walked(keychain: readonly Uint8Array[]): KeychainState {
  try {
    return walkKeychain(keychain, { sha256, verify: verifyStrict });
  } catch (cause) {
    if (cause instanceof MalformedRecordError || cause instanceof ChainError) {
      throw new AccountsError('malformed', { cause });
    }
    throw cause;
  }
}
