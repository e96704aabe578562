/** What a commit says, per kind (format.md §7). Codec: commit-codec.ts. */
import type { PackIdList } from './custody.ts';
import type { DeviceId, ObjectName, StreamId, VaultId } from './ids.ts';

/** Fields of every commit. */
export interface CommitBase {
  readonly vaultId: VaultId;
  /** From 1. */
  readonly seq: number;
  /** commitHash of seq − 1; for seq 1 the hash of the keychain entry that created the vault. 32 bytes. */
  readonly prevHash: Uint8Array;
  /** The keychain entry the signer stood on; never falls along a vault's chain. */
  readonly keychainSeq: number;
  /** entryHash of keychainSeq, 32 bytes. */
  readonly keychainHash: Uint8Array;
  /** The signer's clock: unix nanoseconds. */
  readonly clientTime: bigint;
}

interface AddsPacks {
  readonly deviceId: DeviceId;
  readonly indexObjects: readonly ObjectName[];
  readonly sessionObjects: readonly ObjectName[];
  /** SHA-256 over the packs of the index objects, 32 bytes. */
  readonly packsDigest: Uint8Array;
  /** SHA-256 over the packs needed, 32 bytes. */
  readonly refsetDigest: Uint8Array;
  /** Index objects that the named ones replace. */
  readonly superseded: readonly ObjectName[];
}

export interface SnapshotCommit extends CommitBase, AddsPacks {
  readonly kind: 'snapshot' | 'checkpoint';
  readonly streamId: StreamId;
  readonly snapshotObject: ObjectName;
  /** Base of the refset's delta; undefined: the empty set. */
  readonly parentSeq: number | undefined;
}

export interface HealCommit extends CommitBase, AddsPacks {
  readonly kind: 'heal';
  /** The snapshot whose refset grows. */
  readonly parentSeq: number;
}

export interface IndexMaintenanceCommit extends CommitBase {
  readonly kind: 'index-maintenance';
  readonly deviceId: DeviceId;
  readonly indexObjects: readonly ObjectName[];
  readonly packsDigest: Uint8Array;
  readonly superseded: readonly ObjectName[];
}

export type KeeperEvent = 'trashed' | 'expired' | 'purged' | 'untrashed';

export interface KeeperEventCommit extends CommitBase {
  readonly kind: 'keeper-event';
  /** The device that signed (local folder); undefined: the keeper's event key did. */
  readonly deviceId: DeviceId | undefined;
  readonly event: KeeperEvent;
  /** Ascending. */
  readonly snapshots: readonly number[];
  readonly packs: PackIdList;
}

export type Commit = SnapshotCommit | HealCommit | IndexMaintenanceCommit | KeeperEventCommit;
