/**
 * The states of a pack (security.md §6.5) and the only ways from one to the next:
 *
 * ```
 * (none) ─put─► pending ─commit─► live ⇄ condemned ─collection─► purging ─bytes deleted─► (none)
 *                  └── lease over ────────► condemned
 * live ─bytes found missing, or set aside as damaged─► lost ─put─► live
 * pending, condemned ─set aside─► (none)
 * ```
 * Pure functions, and all of them: whoever changes a pack asks one of these inside a ledger transaction. Bytes vanish
 * only while purging, and purging never leads back: that is the whole safety argument. A search of every history of a
 * small vault drives these very functions (tests/model-search.test.ts).
 *
 * `now` is the ledger's time, which never falls; no clock of a client is compared with another's.
 */
import { packLength } from '@keephold/protocol';

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

/** Bytes that the keeper keeps of it; of one that is lost it has none. */
export function storedLength({ state, pages }: PackEntry): number {
  return state === 'lost' ? 0 : packLength(pages);
}

export const DAY = 86_400_000;
/** For how long packs that no commit names yet are left alone. */
export const LEASE: number = 7 * DAY;

/** A pack of which only the id is known: the ledger is being rebuilt. */
const UNSEEN: PackEntry = { state: 'live', kind: 0, pages: 0, since: 0 };

/** The bytes are durable now. Undefined: refused, the old bytes are being deleted. */
export function afterPut(
  before: PackEntry | undefined,
  pack: { readonly kind: number; readonly pages: number },
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

/**
 * Whether its bytes must be seen in the very transaction of the put: they may have been there before, rotten, and been
 * set aside since they were taken for being there.
 */
export function mustLookAtPut(before: PackEntry | undefined): boolean {
  return before?.state === 'lost';
}

/** The session that put it is alive. */
export function afterRenewal(before: PackEntry, now: number): PackEntry {
  return before.state === 'pending' ? { ...before, since: now + LEASE } : before;
}

/** What a commit may assume of a pack in its refset. */
export type Standing =
  /** Its bytes are there. */
  | 'there'
  /** Nobody has looked since it was put, or the ledger does not know it: the bytes must be looked at now. */
  | 'unproven'
  /** They are gone or going: it must be put again. */
  | 'missing';

export function standing(entry: PackEntry | undefined): Standing {
  switch (entry?.state) {
    case undefined:
    case 'pending':
      return 'unproven';
    case 'live':
    case 'condemned':
      return 'there';
    case 'purging':
    case 'lost':
      return 'missing';
  }
}

/** An accepted commit names it, or a commit that was accepted is replayed: then it was proven at the time. */
export function afterCommit(before: PackEntry | undefined): PackEntry {
  return { ...(before ?? UNSEEN), state: 'live', since: 0 };
}

/**
 * A collection has looked at it: `isNeeded` says whether a kept snapshot needs it, in this same transaction; no hold
 * stops purging. Answers purging when its bytes may go from now on.
 */
export function afterCollection(
  before: PackEntry,
  { isNeeded, now, delay }: { readonly isNeeded: boolean; readonly now: number; readonly delay: number },
): PackEntry {
  if (isNeeded) return afterNeeded(before);
  const unneeded = afterUnneeded(before, now);
  const isDue = unneeded.state === 'condemned' && unneeded.since + delay <= now;
  return isDue ? afterPurge(unneeded) : unneeded;
}

/** It is live already; it is not only in a ledger that was rebuilt from less than everything. */
function afterNeeded(before: PackEntry): PackEntry {
  if (before.state !== 'pending' && before.state !== 'condemned') return before;
  return { ...before, state: 'live', since: 0 };
}

function afterUnneeded(before: PackEntry, now: number): PackEntry {
  const leaseOver = before.state === 'pending' && before.since <= now;
  if (before.state !== 'live' && !leaseOver) return before;
  return { ...before, state: 'condemned', since: now };
}

/** The chain says that it is being purged. */
export function afterPurge(before: PackEntry | undefined): PackEntry {
  return { ...(before ?? UNSEEN), state: 'purging', since: 0 };
}

/** Asked again in the transaction that deletes the bytes and then the entry: somebody else may have done both. */
export function mayDelete(entry: PackEntry | undefined): boolean {
  return entry?.state === 'purging';
}

/** What a look into the folder found of a pack. */
export interface FoundPack {
  readonly pages: number;
  /** By the folder's clock, unix milliseconds. */
  readonly writtenAt: number;
}

/**
 * Whether what was `seen` of a pack some time ago is not enough for a collection to go on with: the ledger says otherwise
 * now, or the pack, which nobody has proven yet, is about to be condemned, and then others rely on its bytes.
 */
export function mustLookAgain(before: PackEntry | undefined, seen: FoundPack | undefined, now: number): boolean {
  if (before === undefined || afterLook(before, seen) !== before) return true;
  return before.state === 'pending' && afterUnneeded(before, now) !== before;
}

/** A look into the folder, whatever it found. */
export function afterLook(before: PackEntry | undefined, found: FoundPack | undefined): PackEntry | undefined {
  if (found !== undefined) return afterFound(before, found);
  return before === undefined ? undefined : afterMissing(before);
}

/** A look into the folder found its bytes. */
export function afterFound(before: PackEntry | undefined, { pages, writtenAt }: FoundPack): PackEntry {
  if (before === undefined) return { state: 'pending', kind: 0, pages, since: writtenAt + LEASE };
  if (before.state === 'lost') return { ...before, pages, state: 'live' };
  return before.pages === pages ? before : { ...before, pages };
}

/** A look into the folder did not find its bytes. Undefined: nothing is left to remember. */
export function afterMissing(before: PackEntry): PackEntry | undefined {
  if (before.state === 'lost') return before;
  return before.state === 'live' ? { ...before, state: 'lost' } : undefined;
}

/**
 * Its bytes are set aside: they are not those of its name. Undefined: nothing is left to remember, and the pack may be
 * put again; a snapshot that needs it keeps it as lost.
 */
export function afterSetAside(before: PackEntry): PackEntry | undefined {
  switch (before.state) {
    case 'live':
      return { ...before, state: 'lost', since: 0 };
    case 'lost':
    case 'purging':
      return before;
    case 'pending':
    case 'condemned':
      return undefined;
  }
}

export function isReferable(state: PackState): boolean {
  return state === 'pending' || state === 'live' || state === 'condemned';
}

/** Its bytes are gone, or set aside as damaged. */
export function isLost(state: PackState): boolean {
  return state === 'lost';
}
