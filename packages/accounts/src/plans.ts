/**
 * Plans: how much an account may have stored. Who has none has that of everybody, except the admins of the server, whom
 * nothing limits: the disk is theirs.
 */
import { numberAt, optionalNumberAt, type Sql, SqlError, type SqlRow } from '@keephold/custody/sql';
import { AccountsError } from './errors.ts';
import type { AccountsSurroundings } from './surroundings.ts';

/** Of everybody who was given no other. It is made with the tables, and can be changed like any plan. */
export const FREE_PLAN = 'free';
const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

export interface Plan {
  /** Lower case letters, digits and dashes. */
  readonly name: string;
  /** Undefined: no limit. */
  readonly bytes: number | undefined;
  /** For how long more than that is taken, milliseconds. */
  readonly graceMs: number;
}

/** By name. */
export async function listPlans({ database }: AccountsSurroundings): Promise<readonly Plan[]> {
  const rows = await database.read(
    async (sql) => await sql.query('SELECT name, bytes, grace_ms FROM plan ORDER BY name'),
  );
  return rows.map(planOf);
}

/** Makes it, or changes it for all who have it, from now on. @throws AccountsError `malformed` */
export async function putPlan({ database }: AccountsSurroundings, { name, bytes, graceMs }: Plan): Promise<void> {
  if (!NAME.test(name)) throw new AccountsError('malformed');
  await database.transaction(async (sql) => {
    if (await isLargerThanBefore(sql, name, bytes)) {
      // A time of grace that was used up under a smaller limit is not held against this one.
      const text = 'UPDATE account SET over_since = NULL WHERE COALESCE(plan, ?) = ?';
      await sql.query(text, FREE_PLAN, name);
    }
    await sql.query(
      `INSERT INTO plan (name, bytes, grace_ms) VALUES (?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes, grace_ms = excluded.grace_ms`,
      name,
      bytes ?? null,
      graceMs,
    );
  });
}

async function isLargerThanBefore(sql: Sql, name: string, bytes: number | undefined): Promise<boolean> {
  const [row] = await sql.query('SELECT bytes FROM plan WHERE name = ?', name);
  const before = row && optionalNumberAt(row, 0);
  return before !== undefined && (bytes === undefined || bytes > before);
}

export interface PlanGift {
  /** What its owner signs in with, as it is stored. */
  readonly account: string;
  readonly plan: string;
}

/** @throws AccountsError `no-such-plan`, `no-such-account` */
export async function assignPlan({ database }: AccountsSurroundings, { account, plan }: PlanGift): Promise<void> {
  await database.transaction(async (sql) => {
    if (!(await isThere(sql, 'SELECT 1 FROM plan WHERE name = ?', plan))) throw new AccountsError('no-such-plan');
    if (!(await isThere(sql, 'SELECT 1 FROM account WHERE name = ?', account))) {
      throw new AccountsError('no-such-account');
    }
    // A time of grace that was used up under another plan is not held against this one.
    const text = 'UPDATE account SET over_since = CASE WHEN plan = ? THEN over_since END, plan = ? WHERE name = ?';
    await sql.query(text, plan, plan, account);
  });
}

async function isThere(sql: Sql, text: string, value: string): Promise<boolean> {
  return (await sql.query(text, value)).length > 0;
}

function planOf(row: SqlRow): Plan {
  const [name] = row;
  if (typeof name !== 'string') throw new SqlError('damaged', 'read plan: its name is no text');
  return { name, bytes: optionalNumberAt(row, 1), graceMs: numberAt(row, 2) };
}
