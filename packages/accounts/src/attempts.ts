/** Acts of two requests: what the first leaves for the second. Good once and for a short time; any process can go on. */
import { bytesAt, numberAt, type Sql } from '@keephold/custody/sql';
import { type AccountId, asAccountId } from '@keephold/protocol';

export type AttemptKind = 'sign-up' | 'sign-in' | 'recovery' | 'password' | 'factor' | 'add-factor';

const NUMBERS: Readonly<Record<AttemptKind, number>> = {
  'sign-up': 1,
  'sign-in': 2,
  recovery: 3,
  password: 4,
  factor: 5,
  'add-factor': 6,
};
/** A person is not waited for, only a program that stretches a password; but for words to write down, and for codes. */
const LIFETIMES: Readonly<Record<AttemptKind, number>> = {
  'sign-up': 15 * 60_000,
  'sign-in': 2 * 60_000,
  recovery: 2 * 60_000,
  password: 15 * 60_000,
  factor: 5 * 60_000,
  'add-factor': 15 * 60_000,
};
const NO_BYTES = new Uint8Array(0);

export interface Attempt {
  readonly accountId: AccountId;
  /** False when there is no such account: goes on as if there were. */
  readonly known: boolean;
  /** What a success clears (tries.ts); may be empty. */
  readonly limitKey?: Uint8Array;
  /** What the second request needs; never leaves the server. */
  readonly state: Uint8Array;
}

export interface NewAttempt {
  readonly attemptId: Uint8Array;
  readonly kind: AttemptKind;
  readonly now: number;
}

export async function beginAttempt(sql: Sql, { attemptId, kind, now }: NewAttempt, attempt: Attempt): Promise<void> {
  await sql.query('DELETE FROM attempt WHERE expires_at <= ?', now);
  await sql.query(
    'INSERT INTO attempt (attempt_id, kind, expires_at, account_id, known, limit_key, state) VALUES (?, ?, ?, ?, ?, ?, ?)',
    attemptId,
    NUMBERS[kind],
    now + LIFETIMES[kind],
    attempt.accountId,
    attempt.known ? 1 : 0,
    attempt.limitKey ?? NO_BYTES,
    attempt.state,
  );
}

/** Leaves it there. Undefined when it is not there or too old. */
export async function readAttempt(sql: Sql, { attemptId, kind, now }: NewAttempt): Promise<Attempt | undefined> {
  const [row] = await sql.query(
    'SELECT account_id, known, limit_key, state FROM attempt WHERE attempt_id = ? AND kind = ? AND expires_at > ?',
    attemptId,
    NUMBERS[kind],
    now,
  );
  if (row === undefined) return undefined;
  const limitKey = bytesAt(row, 2);
  return {
    accountId: asAccountId(bytesAt(row, 0)),
    known: numberAt(row, 1) === 1,
    ...(limitKey.length > 0 && { limitKey }),
    state: bytesAt(row, 3),
  };
}

/** Takes it: within a transaction, so that of two requests one gets it. Undefined when it is not there or too old. */
export async function takeAttempt(sql: Sql, wanted: NewAttempt): Promise<Attempt | undefined> {
  const attempt = await readAttempt(sql, wanted);
  if (attempt !== undefined) await sql.query('DELETE FROM attempt WHERE attempt_id = ?', wanted.attemptId);
  return attempt;
}
