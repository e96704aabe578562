/**
 * What an account may have stored, and since when it has more. Going over the limit starts a time of grace, by the
 * server's clock, in which a quarter more is taken; after it nothing new is, until there is room. The time begins anew
 * only after usage was well below the limit in between: whoever stays around it gets it once.
 */
import { numberAt, optionalNumberAt } from '@keephold/custody/sql';
import type { AccountId, QuotaStanding } from '@keephold/protocol';
import { addNotice } from './notices/notice.ts';
import { FREE_PLAN } from './plans.ts';
import type { AccountsSurroundings } from './surroundings.ts';

export interface Quota {
  readonly plan: string;
  /** Bytes. */
  readonly limit: number;
  readonly graceMs: number;
  /** Unix milliseconds; undefined: not beyond the limit. */
  readonly overSince: number | undefined;
  /** What the owner was told of: 0 nothing, 1 that it is near, 2 that it is beyond. */
  readonly told: number;
}

/** Of the limit: where owners are warned, and below which a time of grace is forgotten. */
const NEAR = 0.9;
/** Of the limit: below which owners are warned anew when they come near it again. */
const FAR = 0.8;
/** Of the limit: what is taken in grace. */
const GRACE_SHARE = 1.25;

/** Undefined: nothing limits the account, or there is none. */
export async function quotaOf({ database }: AccountsSurroundings, id: AccountId): Promise<Quota | undefined> {
  const [row] = await database.read(
    async (sql) =>
      await sql.query(
        `SELECT plan.name, plan.bytes, plan.grace_ms, account.over_since,
          account.quota_told FROM account
          JOIN plan ON plan.name = COALESCE(account.plan, ?)
          WHERE account.account_id = ? AND (account.plan IS NOT NULL OR account.admin = 0)`,
        FREE_PLAN,
        id,
      ),
  );
  const limit = row && optionalNumberAt(row, 1);
  if (row === undefined || limit === undefined) return undefined;
  const [graceMs, overSince, told] = [numberAt(row, 2), optionalNumberAt(row, 3), numberAt(row, 4)];
  return { plan: String(row[0]), limit, graceMs, overSince, told };
}

/** How many bytes the account may have in all, now. */
export function ceilingOf(quota: Quota, now: number): number {
  return isGraceOver(quota, now) ? quota.limit : graceCeilingOf(quota);
}

/** How many it may ever have under this limit. */
export function graceCeilingOf({ limit }: Quota): number {
  return Math.floor(limit * GRACE_SHARE);
}

export function standingOf(quota: Quota, storedBytes: number, now: number): QuotaStanding {
  const { plan, limit, overSince, graceMs } = quota;
  const isOver = isGraceOver(quota, now);
  if (overSince !== undefined && !isOver) return { plan, limit, state: 'grace', graceUntil: overSince + graceMs };
  if (storedBytes < limit * NEAR) return { plan, limit, state: 'within' };
  return { plan, limit, state: isOver && storedBytes >= limit ? 'full' : 'near' };
}

function isGraceOver({ overSince, graceMs }: Quota, now: number): boolean {
  return graceMs === 0 || (overSince !== undefined && now >= overSince + graceMs);
}

/** Writes down that the account goes beyond its limit, or that it has been well below it; repeated, it changes nothing. */
export async function noteUsage(
  surroundings: AccountsSurroundings,
  id: AccountId,
  { quota, storedBytes }: QuotaUse,
): Promise<Quota> {
  const told = await noteLevel(surroundings, id, { quota, storedBytes });
  return await noteOver(surroundings, id, { quota: { ...quota, told }, storedBytes });
}

export interface QuotaUse {
  readonly quota: Quota;
  readonly storedBytes: number;
}

/** Each level is told of once, until usage was well below the first of them. Answers what was told of. */
async function noteLevel(
  { database, now, random }: AccountsSurroundings,
  accountId: AccountId,
  { quota: { limit, told }, storedBytes }: QuotaUse,
): Promise<number> {
  const level = storedBytes > limit ? 2 : storedBytes >= limit * NEAR ? 1 : storedBytes >= limit * FAR ? told : 0;
  if (level === told || (level < told && level > 0)) return told;
  await database.transaction(async (sql) => {
    const [row] = await sql.query('SELECT quota_told FROM account WHERE account_id = ?', accountId);
    if (row === undefined || (level > 0 && numberAt(row, 0) >= level)) return;
    await sql.query('UPDATE account SET quota_told = ? WHERE account_id = ?', level, accountId);
    if (level === 0) return;
    const notice = { kind: 'quota', level: level === 2 ? 'over' : 'near', stored: storedBytes, limit } as const;
    await addNotice(sql, { accountId, notice, now: now(), random });
  });
  return level;
}

async function noteOver(
  { database, now }: AccountsSurroundings,
  id: AccountId,
  { quota, storedBytes }: QuotaUse,
): Promise<Quota> {
  const { limit, overSince } = quota;
  const time = now();
  if (overSince === undefined && storedBytes > limit) {
    await database.transaction(
      async (sql) =>
        await sql.query('UPDATE account SET over_since = ? WHERE account_id = ? AND over_since IS NULL', time, id),
    );
    return { ...quota, overSince: time };
  }
  if (overSince !== undefined && storedBytes < limit * NEAR) {
    await database.transaction(
      async (sql) => await sql.query('UPDATE account SET over_since = NULL WHERE account_id = ?', id),
    );
    return { ...quota, overSince: undefined };
  }
  return quota;
}
