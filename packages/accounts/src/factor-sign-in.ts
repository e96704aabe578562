/**
 * The second step of signing in with a password, where the account has a second factor. Who gets here has shown the
 * password: wrong codes are counted by account, and the account's log tells of them.
 */
import type { Sql } from '@keephold/custody/sql';
import type { AccountId } from '@keephold/protocol';
import { prefixOf } from './address.ts';
import { type Attempt, beginAttempt, readAttempt, takeAttempt } from './attempts.ts';
import { appendAudit, recordAudit } from './audit-log.ts';
import { AccountsError } from './errors.ts';
import { type CodeToTake, recogniseCode, takeCode } from './factor.ts';
import type { SignedIn } from './signed-in.ts';
import type { AccountsSurroundings } from './surroundings.ts';
import { clearTries, requireTry } from './tries.ts';

const ATTEMPT_LENGTH = 32;

/** What a right password leads to where a code is wanted too. */
export interface FactorWanted {
  readonly factorAttemptId: Uint8Array;
}

export interface ShownPassword {
  readonly accountId: AccountId;
  /** That the session is to be bound to. */
  readonly sessionKey: Uint8Array;
  /** What a success clears. */
  readonly limitKey: Uint8Array | undefined;
  readonly address: string;
}

/** In the transaction that has taken the password's attempt. */
export async function askFactor(
  sql: Sql,
  { random, now }: AccountsSurroundings,
  shown: ShownPassword,
): Promise<FactorWanted> {
  const { accountId, sessionKey: state, limitKey, address } = shown;
  const factorAttemptId = random(ATTEMPT_LENGTH);
  const time = now();
  const attempt = { accountId, known: true, state, ...(limitKey !== undefined && { limitKey }) };
  await beginAttempt(sql, { attemptId: factorAttemptId, kind: 'factor', now: time }, attempt);
  await appendAudit(sql, { accountId, type: 'factor-asked', now: time, ipPrefix: prefixOf(address) });
  return { factorAttemptId };
}

export interface FactorFinish {
  readonly attemptId: Uint8Array;
  /** Six digits, or the 20 hexadecimal ones of a recovery code. */
  readonly code: string;
  readonly address: string;
}

/**
 * After a wrong code it can be repeated, as often as the limit lets it.
 * @throws AccountsError `factor-refused`, `too-many-tries`; `sign-in-refused` when the attempt is too old
 */
export async function finishFactorSignIn(around: AccountsSurroundings, finish: FactorFinish): Promise<SignedIn> {
  const { database, now } = around;
  const { attemptId, code, address } = finish;
  const time = now();
  const waiting = { attemptId, kind: 'factor', now: time } as const;
  const attempt = await database.read(async (sql) => await readAttempt(sql, waiting));
  if (attempt === undefined) throw new AccountsError('sign-in-refused');
  const { accountId, state: sessionKey } = attempt;
  // Counted before anything is looked at, and in a transaction of its own: refusals count as well.
  const counted = await database.transaction(
    async (sql) => await requireTry(sql, 'factor of', { whom: accountId, now: time }),
  );
  const found = await recogniseCode(around, accountId, code);
  const limits = [counted, attempt.limitKey].filter((key) => key !== undefined);
  const taken =
    found !== undefined &&
    (await database.transaction(async (sql) => await finishBy(sql, found, { attempt, waiting, limits, address })));
  if (taken) return { accountId, sessionKey, method: 'password' };
  await recordAudit(database, { accountId, type: 'factor-refused', now: time, ipPrefix: prefixOf(address) });
  throw new AccountsError('factor-refused');
}

interface Waiting {
  readonly attempt: Attempt;
  readonly waiting: Parameters<typeof takeAttempt>[1];
  /** What a success clears. */
  readonly limits: readonly Uint8Array[];
  readonly address: string;
}

/** False when the code was taken before. @throws AccountsError `sign-in-refused` when another request was first */
async function finishBy(sql: Sql, code: CodeToTake, { attempt, waiting, limits, address }: Waiting): Promise<boolean> {
  const { accountId } = attempt;
  if (!(await takeCode(sql, accountId, code))) return false;
  // Thrown inside: the code is not used up then.
  if ((await takeAttempt(sql, waiting)) === undefined) throw new AccountsError('sign-in-refused');
  for (const key of limits) await clearTries(sql, key);
  const what = code.kind === 'recovery' ? 'recovery-code' : 'code';
  await appendAudit(sql, { accountId, type: 'signed-in', now: waiting.now, ipPrefix: prefixOf(address), what });
  return true;
}
