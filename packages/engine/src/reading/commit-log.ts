/**
 * What the signed commits of a vault say, collected: index objects alive, session objects, snapshots and their state.
 * Objects are looked up by the names in here and by no other way: what no valid commit names does not exist. Fed with
 * verified commits only (read-commits.ts); a saved log (commit-log-state.ts) goes on where it stopped.
 */
import { equalBytes, type PackKind, toHex } from '@keephold/bytes';
import {
  type ChainPin,
  type Commit,
  type CommitChainState,
  type DeviceId,
  HASH_LENGTH,
  HASH_NOT_KNOWN,
  type HealCommit,
  isHashKnown,
  type KeeperEventCommit,
  type KeychainState,
  type ObjectName,
  type SnapshotCommit,
  type StreamId,
  startCommitChain,
  type VaultId,
  type VerifiedCommit,
} from '@keephold/protocol';
import type { CommitSink } from './read-commits.ts';
import { UnreadCommits } from './unread-commits.ts';

/** An index object that nothing superseded. */
export interface IndexEntry {
  readonly name: ObjectName;
  /** Who signed the commit. */
  readonly deviceId: DeviceId;
  /** The commit that named it. */
  readonly seq: number;
  /** Digest over the packs of all index objects of that commit. */
  readonly packsDigest: Uint8Array;
  /** How many index objects that commit named. */
  readonly group: number;
  /** What it lists, once somebody has opened it: a commit does not say. */
  readonly kind: PackKind | undefined;
}

/** A session object, with the device that must own its chain. */
export interface SessionEntry {
  readonly name: ObjectName;
  readonly deviceId: DeviceId;
}

/** A snapshot or checkpoint that can be restored. */
export interface SnapshotEntry {
  readonly seq: number;
  readonly kind: 'complete' | 'checkpoint';
  readonly deviceId: DeviceId;
  readonly streamId: StreamId;
  readonly object: ObjectName;
  readonly refset: RefsetEntry;
  readonly state: 'active' | 'trashed';
  /** Ledger time of the event that trashed it, unix milliseconds, at least 1; 0 while active. */
  readonly trashedAt: number;
}

/** An event that took away a snapshot which could be restored until then. */
export interface Removal {
  readonly snapshot: SnapshotEntry;
  /** Of the commit that says so. */
  readonly seq: number;
  readonly keychainSeq: number;
  /** Ledger time, unix milliseconds. */
  readonly at: number;
}

/** The refset in force: of the snapshot's commit, or of its latest heal. */
export interface RefsetEntry {
  readonly seq: number;
  readonly digest: Uint8Array;
}

/** Everything a log knows; plain, so that it can be cloned. */
export interface CommitLogState {
  readonly vaultId: VaultId;
  readonly seq: number;
  readonly keychainSeq: number;
  /** commitHash of every commit, 32 bytes each, from 0: the hash of the entry that created the vault. */
  readonly hashes: Uint8Array;
  readonly indexes: readonly IndexEntry[];
  readonly sessions: readonly SessionEntry[];
  readonly snapshots: readonly SnapshotEntry[];
  /** The last commit by which the keeper purged packs; 0 for none. */
  readonly purgedSeq: number;
}

/** The log of a vault nobody has read yet. */
export function emptyCommitLog(keychain: KeychainState, vaultId: VaultId): CommitLogState {
  const { keychainSeq, hash } = startCommitChain(keychain, vaultId);
  return { vaultId, seq: 0, keychainSeq, hashes: hash, indexes: [], sessions: [], snapshots: [], purgedSeq: 0 };
}

export class CommitLog implements CommitSink {
  readonly vaultId: VaultId;
  readonly #hashes: GrowingHashes;
  /** By name and device: who names another's object must not decide when it goes. */
  readonly #indexes = new Map<string, IndexEntry>();
  readonly #sessions = new Map<string, SessionEntry>();
  readonly #snapshots = new Map<number, SnapshotEntry>();
  #removals: Removal[] = [];
  #keychainSeq: number;
  #purgedSeq: number;
  /** Commits that were passed over. */
  readonly unread: UnreadCommits;
  #isWhole = true;
  #isEndUnread = false;

  constructor(state: CommitLogState) {
    this.vaultId = state.vaultId;
    this.unread = new UnreadCommits(state.vaultId);
    this.#keychainSeq = state.keychainSeq;
    this.#purgedSeq = state.purgedSeq;
    this.#hashes = new GrowingHashes(state.hashes);
    for (const entry of state.indexes) this.#indexes.set(entryKey(entry), entry);
    for (const entry of state.sessions) this.#sessions.set(entryKey(entry), entry);
    for (const entry of state.snapshots) this.#snapshots.set(entry.seq, entry);
  }

  /** Where the next commit must continue. */
  get chain(): CommitChainState {
    return { vaultId: this.vaultId, keychainSeq: this.#keychainSeq, ...this.head };
  }

  /** To be pinned: this vault may never be shown older or otherwise. */
  get head(): ChainPin {
    const seq = this.#hashes.count - 1;
    return { seq, hash: this.#hashes.at(seq) };
  }

  /** Index objects alive, oldest first; an object that two devices named stands here twice. */
  get indexes(): readonly IndexEntry[] {
    return [...this.#indexes.values()];
  }

  /** Session objects, oldest first. */
  get sessions(): readonly SessionEntry[] {
    return [...this.#sessions.values()];
  }

  /** What can be restored, oldest first. */
  get snapshots(): readonly SnapshotEntry[] {
    return [...this.#snapshots.values()];
  }

  snapshot(seq: number): SnapshotEntry | undefined {
    return this.#snapshots.get(seq);
  }

  /** Who signed the snapshot with a seq. */
  get authorOf(): (seq: number) => DeviceId | undefined {
    return (seq) => this.#snapshots.get(seq)?.deviceId;
  }

  /** Whether a commit before `seq` has this hash, or one that is not known may have it. */
  isAncestor(hash: Uint8Array, seq: number): boolean {
    return this.#hashes.has(hash, seq) || (!this.#isWhole && this.#hashes.has(HASH_NOT_KNOWN, seq));
  }

  /** Whether the commit that was pinned is in this history. */
  continues({ seq, hash }: ChainPin): boolean {
    if (seq >= this.#hashes.count) return false;
    const own = this.#hashes.at(seq);
    return equalBytes(own, hash) || (!this.#isWhole && !isHashKnown(own));
  }

  /**
   * Whether an index object may have gone with its packs (security.md §6.5): the keeper signed a purge of packs after
   * it was named. Whatever a snapshot still needs of it is missed when it is looked for.
   */
  mayBePurged(entry: Pick<IndexEntry, 'seq'>): boolean {
    return entry.seq < this.#purgedSeq;
  }

  /** Snapshots that commits taken in since the last call took away. */
  takeRemovals(): readonly Removal[] {
    const removals = this.#removals;
    this.#removals = [];
    return removals;
  }

  /** Keeps what an index object turned out to list. */
  learnKind(name: ObjectName, kind: PackKind): void {
    for (const [key, entry] of this.#indexes) {
      if (entry.kind === undefined && equalBytes(entry.name, name)) this.#indexes.set(key, { ...entry, kind });
    }
  }

  /** Whether commits were passed over that could not be read: such a log must not be saved as what was seen. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Whether there may be snapshots that this log does not have, and nobody has given them up. */
  get hasHoles(): boolean {
    return this.#isEndUnread || this.unread.pending.length > 0;
  }

  /** Whether commits after the head are there and cannot be read: what is newest here may not be the newest. */
  get isEndUnread(): boolean {
    return this.#isEndUnread;
  }

  endUnread(): void {
    this.#isWhole = false;
    this.#isEndUnread = true;
  }

  /** Goes to where the next commit is known to continue, over commits that cannot be read. */
  passOver({ seq, hash }: Pick<CommitChainState, 'seq' | 'hash'>): void {
    this.unread.passOver(this.#hashes.count, seq);
    while (this.#hashes.count < seq) this.#hashes.push(HASH_NOT_KNOWN);
    this.#hashes.push(hash);
    this.#isWhole = false;
  }

  /** Takes in the commit that follows the head. */
  apply({ commit, state }: VerifiedCommit): void {
    if (state.seq !== this.#hashes.count) throw new RangeError(`apply commit ${state.seq} after ${this.head.seq}`);
    this.#hashes.push(state.hash);
    this.#keychainSeq = state.keychainSeq;
    this.#applyKind(commit);
  }

  state(): CommitLogState {
    return {
      vaultId: this.vaultId,
      seq: this.head.seq,
      keychainSeq: this.#keychainSeq,
      hashes: this.#hashes.bytes(),
      indexes: this.indexes,
      sessions: this.sessions,
      snapshots: this.snapshots,
      purgedSeq: this.#purgedSeq,
    };
  }

  #applyKind(commit: Commit): void {
    switch (commit.kind) {
      case 'keeper-event':
        this.#applyEvent(commit);
        return;
      case 'index-maintenance':
        this.#applyIndexes(commit);
        return;
      case 'heal':
        this.#applyIndexes(commit);
        this.#applySessions(commit);
        this.#applyHeal(commit);
        return;
      case 'snapshot':
      case 'checkpoint':
        this.#applyIndexes(commit);
        this.#applySessions(commit);
        this.#applySnapshot(commit);
    }
  }

  /** A device may supersede its own index objects only (security.md §3.4 P6); what else it lists stays. */
  #applyIndexes(commit: Exclude<Commit, KeeperEventCommit>): void {
    const { deviceId, seq, packsDigest, indexObjects } = commit;
    for (const name of commit.superseded) this.#indexes.delete(entryKey({ name, deviceId }));
    for (const name of indexObjects) {
      const entry = { name, deviceId, seq, packsDigest, group: indexObjects.length, kind: undefined };
      if (!this.#indexes.has(entryKey(entry))) this.#indexes.set(entryKey(entry), entry);
    }
  }

  #applySessions({ sessionObjects, deviceId }: SnapshotCommit | HealCommit): void {
    for (const name of sessionObjects) this.#sessions.set(entryKey({ name, deviceId }), { name, deviceId });
  }

  #applySnapshot(commit: SnapshotCommit): void {
    const { seq, deviceId, streamId } = commit;
    this.#snapshots.set(seq, {
      seq,
      kind: commit.kind === 'snapshot' ? 'complete' : 'checkpoint',
      deviceId,
      streamId,
      object: commit.snapshotObject,
      refset: { seq, digest: commit.refsetDigest },
      state: 'active',
      trashedAt: 0,
    });
  }

  #applyHeal(commit: HealCommit): void {
    const healed = this.#snapshots.get(commit.parentSeq);
    if (healed === undefined) return;
    this.#snapshots.set(healed.seq, { ...healed, refset: { seq: commit.seq, digest: commit.refsetDigest } });
  }

  #applyEvent(commit: KeeperEventCommit): void {
    const at = Math.max(1, Number(commit.clientTime / 1_000_000n));
    if (commit.event === 'purged' && commit.packs.length > 0) this.#purgedSeq = commit.seq;
    for (const seq of commit.snapshots) {
      const snapshot = this.#snapshots.get(seq);
      if (snapshot === undefined) continue;
      if (commit.event === 'expired' || commit.event === 'purged') {
        this.#snapshots.delete(seq);
        this.#removals.push({ snapshot, seq: commit.seq, keychainSeq: commit.keychainSeq, at });
      } else if (commit.event === 'trashed') this.#snapshots.set(seq, { ...snapshot, state: 'trashed', trashedAt: at });
      else this.#snapshots.set(seq, { ...snapshot, state: 'active', trashedAt: 0 });
    }
  }
}

function entryKey({ name, deviceId }: { readonly name: ObjectName; readonly deviceId: DeviceId }): string {
  return toHex(name) + toHex(deviceId);
}

/** Hashes by seq in one piece of memory: 100,000 commits are 3 MB. */
class GrowingHashes {
  #bytes: Uint8Array;
  #count: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes.slice();
    this.#count = bytes.length / HASH_LENGTH;
  }

  get count(): number {
    return this.#count;
  }

  at(seq: number): Uint8Array {
    return this.#bytes.slice(seq * HASH_LENGTH, (seq + 1) * HASH_LENGTH);
  }

  push(hash: Uint8Array): void {
    const end = this.#count * HASH_LENGTH;
    if (end + HASH_LENGTH > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, HASH_LENGTH * 64));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(hash, end);
    this.#count++;
  }

  /** Newest first: a run starts from a head of a moment ago. */
  has(hash: Uint8Array, before: number): boolean {
    for (let seq = Math.min(before, this.#count) - 1; seq >= 0; seq--) {
      const at = seq * HASH_LENGTH;
      if (this.#bytes[at] === hash[0] && equalBytes(this.#bytes.subarray(at, at + HASH_LENGTH), hash)) return true;
    }
    return false;
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#count * HASH_LENGTH);
  }
}
