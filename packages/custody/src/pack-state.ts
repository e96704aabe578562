/**
 * The states of a pack (security.md §6.5) and the only ways from one to the next:
 *
 * ```
 * (none) ─put─► pending ─commit─► live ⇄ condemned ─purge─► purging ─deleted─► (none)
 *                  └── lease over ────────► condemned
 * live ─bytes found missing─► lost ─put─► live
 * ```
 * Pure functions; each transition is made inside a ledger transaction. Bytes vanish only while purging, and purging
 * never leads back: that is the whole safety argument.
 */
export type PackState = 'pending' | 'live' | 'condemned' | 'purging' | 'lost';

export interface PackEntry {
  readonly state: PackState;
  /** 1 data, 2 meta, 0 not known (the ledger was rebuilt). */
  readonly kind: number;
  /** 0: not known. */
  readonly pages: number;
  /** pending: when the lease ends. condemned: when it was condemned. Unix milliseconds; else 0. */
  readonly since: number;
}

export const DAY = 86_400_000;
/** For how long packs that no commit names yet are left alone. */
export const LEASE: number = 7 * DAY;

/** The bytes are durable now. Undefined: refused, the old bytes are being deleted. */
export function afterPut(
  before: PackEntry | undefined,
  pack: { kind: number; pages: number },
  now: number,
): PackEntry | undefined {
  const known = { kind: pack.kind, pages: pack.pages };
  switch (before?.state) {
    case undefined:
    case 'pending':
      return { ...known, state: 'pending', since: now + LEASE };
    case 'lost':
      return { ...known, state: 'live', since: 0 };
    case 'purging':
      return undefined;
    case 'live':
    case 'condemned':
      return { ...known, state: before.state, since: before.since };
  }
}

/** A commit's refset names it. Undefined: refused, the bytes are not there or are going. */
export function afterCommit(before: PackEntry | undefined): PackEntry | undefined {
  if (before === undefined || before.state === 'purging' || before.state === 'lost') return undefined;
  return { ...before, state: 'live', since: 0 };
}

/** No snapshot needs it and no lease protects it: condemned, if it is not already. */
export function afterUnneeded(before: PackEntry, now: number): PackEntry {
  const leaseOver = before.state === 'pending' && before.since <= now;
  if (before.state !== 'live' && !leaseOver) return before;
  return { ...before, state: 'condemned', since: now };
}

export function mayPurge(entry: PackEntry, now: number, delay: number): boolean {
  return entry.state === 'condemned' && entry.since + delay <= now;
}

export function isReferable(state: PackState): boolean {
  return state === 'pending' || state === 'live' || state === 'condemned';
}
