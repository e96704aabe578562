/**
 * The states of a snapshot (security.md §6.5), pure, like those of a pack:
 *
 * ```
 * commit ─► active ⇄ trashed ─delay over─► expired ─purge delay over─► gone
 * ```
 * Active and trashed snapshots are kept: every pack they need is live and its bytes are there. From expired nothing
 * leads back.
 */
import type { CommitState, RowKind } from './ledger/vault-ledger.ts';

export interface SnapshotEntry {
  readonly state: CommitState;
  /** When it was trashed, or expired, by the ledger's time. */
  readonly trashedAt: number;
}

export function isKeptState(state: CommitState): boolean {
  return state === 'active' || state === 'trashed';
}

/**
 * Whether what a commit needs must stay. One that cannot be read may be a snapshot: it is kept like one until the owner
 * has given it up, by the same events and with the same delays.
 */
export function isKeptCommit({ kind, state }: { readonly kind: RowKind; readonly state: CommitState }): boolean {
  return isKeptState(state) || isUnread({ kind, state });
}

/** A commit that cannot be read and that nobody has given up. */
export function isUnread({ kind, state }: { readonly kind: RowKind; readonly state: CommitState }): boolean {
  return kind === 'lost' && (state === 'none' || state === 'active');
}

/** From expired nothing leads back: its packs may be gone. */
export function mayUntrash(state: CommitState): boolean {
  return state === 'trashed';
}

/** Whether it stops being restorable now. */
export function isExpiring({ state, trashedAt }: SnapshotEntry, now: number, trashDelay: number): boolean {
  return state === 'trashed' && trashedAt + trashDelay <= now;
}

/** Whether its object may be deleted, some time after it expired. */
export function isVanishing({ state, trashedAt }: SnapshotEntry, now: number, purgeDelay: number): boolean {
  return state === 'expired' && trashedAt + purgeDelay <= now;
}

/** What a keeper event makes of it, at the time of the event. */
export function afterEvent(event: 'trashed' | 'untrashed' | 'expired' | 'purged', at: number): SnapshotEntry {
  switch (event) {
    case 'trashed':
      return { state: 'trashed', trashedAt: at };
    case 'untrashed':
      return { state: 'active', trashedAt: 0 };
    case 'expired':
      return { state: 'expired', trashedAt: at };
    case 'purged':
      return { state: 'gone', trashedAt: 0 };
  }
}

/**
 * Which packs of a commit's refset have to be proven to be there: all, unless the snapshot that it is a delta to is
 * kept. Then that one vouches for what they share.
 */
export function packsToProve<T>(isBaseKept: boolean, refset: { readonly added: T; readonly whole: T }): T {
  return isBaseKept ? refset.added : refset.whole;
}
