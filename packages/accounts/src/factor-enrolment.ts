/**
 * Adding a second factor, for an owner who has signed in: it counts once a code shows that his app has the secret. The
 * recovery codes come with the secret, so that no answer that is lost leaves somebody with a factor and without them.
 */
import { concatBytes, equalBytes } from '@keephold/bytes';
import type { Sql } from '@keephold/custody/sql';
import type { AccountId } from '@keephold/protocol';
import { prefixOf } from './address.ts';
import { beginAttempt, readAttempt } from './attempts.ts';
import { appendAudit } from './audit-log.ts';
import { AccountsError } from './errors.ts';
import { codeHash, hasFactor, newRecoveryCodes, RECOVERY_CODES, storeRecoveryCodes } from './factor.ts';
import type { AccountsSurroundings } from './surroundings.ts';

const ATTEMPT_LENGTH = 32;
const HASH_LENGTH = 32;

export interface NewFactor {
  readonly attemptId: Uint8Array;
  /** For the authenticator app. */
  readonly secret: Uint8Array;
  readonly recoveryCodes: readonly Uint8Array[];
}

/** @throws AccountsError `factor-exists` */
export async function startFactor(around: AccountsSurroundings, accountId: AccountId): Promise<NewFactor> {
  const { database, factors, random, now } = around;
  const { secret, sealed } = await factors.create(accountId);
  const recoveryCodes = newRecoveryCodes(random);
  const state = concatBytes(...recoveryCodes.map((code) => codeHash(accountId, code)), sealed);
  const attemptId = random(ATTEMPT_LENGTH);
  await database.transaction(async (sql) => {
    if (await hasFactor(sql, accountId)) throw new AccountsError('factor-exists');
    await beginAttempt(sql, { attemptId, kind: 'add-factor', now: now() }, { accountId, known: true, state });
  });
  return { attemptId, secret, recoveryCodes };
}

export interface FactorProof {
  readonly accountId: AccountId;
  readonly attemptId: Uint8Array;
  /** Six digits. */
  readonly code: string;
  readonly address: string;
}

/**
 * After a wrong code it can be repeated, and when its answer was lost.
 * @throws AccountsError `factor-refused`, `factor-exists`; `sign-in-refused` when the attempt is too old
 */
export async function finishFactor(around: AccountsSurroundings, proof: FactorProof): Promise<void> {
  const { database, factors, now } = around;
  const { accountId, attemptId, code, address } = proof;
  const time = now();
  const attempt = { attemptId, kind: 'add-factor', now: time } as const;
  const started = await database.read(async (sql) => await readAttempt(sql, attempt));
  if (started === undefined || !equalBytes(started.accountId, accountId)) throw new AccountsError('sign-in-refused');
  const sealed = started.state.slice(RECOVERY_CODES * HASH_LENGTH);
  if (await database.read(async (sql) => await isInPlace(sql, accountId, sealed))) return;
  const step = await factors.stepOf({ accountId, sealed, code, now: time });
  if (step === undefined) throw new AccountsError('factor-refused');
  await database.transaction(async (sql) => {
    if (await hasFactor(sql, accountId)) throw new AccountsError('factor-exists');
    await storeFactor(sql, { accountId, state: started.state, step, since: time });
    await appendAudit(sql, { accountId, type: 'factor-added', now: time, ipPrefix: prefixOf(address) });
  });
}

/** Done before, and the answer was lost. */
async function isInPlace(sql: Sql, accountId: AccountId, sealed: Uint8Array): Promise<boolean> {
  return (await sql.query('SELECT 1 FROM factor WHERE account_id = ? AND sealed = ?', accountId, sealed)).length > 0;
}

interface StoredFactor {
  readonly accountId: AccountId;
  readonly state: Uint8Array;
  /** That the code was of: it is no code for signing in any more. */
  readonly step: number;
  readonly since: number;
}

async function storeFactor(sql: Sql, { accountId, state, step, since }: StoredFactor): Promise<void> {
  const sealed = state.slice(RECOVERY_CODES * HASH_LENGTH);
  const factor = 'INSERT INTO factor (account_id, sealed, last_step, since) VALUES (?, ?, ?, ?)';
  await sql.query(factor, accountId, sealed, step, since);
  const hashes = Array.from({ length: RECOVERY_CODES }, (_, at) =>
    state.slice(at * HASH_LENGTH, (at + 1) * HASH_LENGTH),
  );
  await storeRecoveryCodes(sql, accountId, hashes);
}
