/** What the keychain log says once it was walked (keychain-walk.ts), and questions to it. Immutable. */
import { toHex } from '@keephold/bytes';
import { ChainError } from './errors.ts';
import type { AccountId, DeviceId, ObjectName, VaultId } from './ids.ts';
import type { DeviceRole, SlotMethod, VaultPolicy } from './keychain-entry.ts';

export interface DeviceRecord {
  readonly deviceId: DeviceId;
  /** Ed25519 public key. */
  readonly signingKey: Uint8Array;
  /** DXK, X-Wing public key. */
  readonly exchangeKey: Uint8Array;
  readonly role: DeviceRole;
  readonly vaults: readonly VaultId[];
  readonly sealedName: Uint8Array | undefined;
  readonly addedSeq: number;
  /** Undefined while the device may act. */
  readonly revokedSeq: number | undefined;
  /** Unix seconds after which its packs are not to be relied on. */
  readonly compromisedSince: number | undefined;
  /** Other devices whose packs it may rely on (security.md §3.4 P1). */
  readonly trusts: readonly DeviceId[];
}

export interface VaultEpoch {
  readonly epoch: number;
  /** Public half of readKey. */
  readonly readKey: Uint8Array;
  readonly seq: number;
}

export interface VaultRecord {
  readonly vaultId: VaultId;
  readonly createdSeq: number;
  /** entryHash of the entry that created it: prevHash of its first commit. */
  readonly createdHash: Uint8Array;
  readonly policy: VaultPolicy;
  /** Index is the epoch; never empty. */
  readonly epochs: readonly VaultEpoch[];
  readonly sealedName: Uint8Array | undefined;
  /** The last entry that released a hold on it: holds set before that entry are over (security.md §6.3). */
  readonly holdReleasedSeq: number | undefined;
}

export interface SlotEntry {
  readonly slotId: Uint8Array;
  readonly method: SlotMethod;
  /** SHA-256 of the slot record. */
  readonly recordHash: Uint8Array;
  readonly removed: boolean;
}

export interface DeleteRequest {
  readonly seq: number;
  /** Unix seconds. */
  readonly time: number;
  readonly vaultId: VaultId;
  readonly snapshots: readonly number[];
  readonly cancelled: boolean;
}

export interface HealApproval {
  readonly seq: number;
  readonly vaultId: VaultId;
  readonly snapshot: number;
  readonly deviceId: DeviceId;
}

export interface KeychainState {
  readonly accountId: AccountId;
  /** seq of the last entry. */
  readonly seq: number;
  /** entryHash of the last entry. */
  readonly hash: Uint8Array;
  /** entryHash of every entry, by seq. */
  readonly entryHashes: readonly Uint8Array[];
  /** AIK in force. */
  readonly identityKey: Uint8Array;
  /** AXK in force. */
  readonly exchangeKey: Uint8Array;
  readonly eventKey: Uint8Array | undefined;
  readonly opaqueKey: Uint8Array | undefined;
  /** By hex of the id; these four. */
  readonly devices: ReadonlyMap<string, DeviceRecord>;
  readonly vaults: ReadonlyMap<string, VaultRecord>;
  readonly slots: ReadonlyMap<string, SlotEntry>;
  /** Names of all grants that an entry caused, with the seq of that entry. */
  readonly grants: ReadonlyMap<string, number>;
  readonly deleteRequests: readonly DeleteRequest[];
  readonly healApprovals: readonly HealApproval[];
}

/** entryHash of entry 0: the anchor of the account. */
export function genesisHashOf(state: KeychainState): Uint8Array {
  return state.entryHashes[0] as Uint8Array;
}

export function deviceRecord(state: KeychainState, deviceId: DeviceId): DeviceRecord | undefined {
  return state.devices.get(toHex(deviceId));
}

/** @throws ChainError `conflict` when the account has no such vault. */
export function vaultRecord(state: KeychainState, vaultId: VaultId): VaultRecord {
  const record = state.vaults.get(toHex(vaultId));
  if (record === undefined) throw new ChainError('conflict', `look up vault ${toHex(vaultId)}: the keychain lacks it`);
  return record;
}

/** The epoch in force. */
export function currentEpoch(vault: VaultRecord): VaultEpoch {
  return vault.epochs[vault.epochs.length - 1] as VaultEpoch;
}

/** The slots that open the account now. */
export function activeSlots(state: KeychainState): readonly SlotEntry[] {
  return [...state.slots.values()].filter((slot) => !slot.removed);
}

export function isGrantNamed(state: KeychainState, name: ObjectName): boolean {
  return state.grants.has(toHex(name));
}

/**
 * The key with which the device may sign for a vault at a keychain entry: it was added at or before it, not revoked
 * there, and has the vault; undefined otherwise (security.md §3.12).
 */
export function deviceKeyAt(
  state: KeychainState,
  at: { readonly deviceId: DeviceId; readonly vaultId: VaultId; readonly keychainSeq: number },
): Uint8Array | undefined {
  const device = deviceRecord(state, at.deviceId);
  if (device === undefined || device.addedSeq > at.keychainSeq) return undefined;
  if (device.revokedSeq !== undefined && device.revokedSeq <= at.keychainSeq) return undefined;
  const vault = toHex(at.vaultId);
  return device.vaults.some((id) => toHex(id) === vault) ? device.signingKey : undefined;
}

/** Whether the keychain, up to the entry, lets a device heal a snapshot that another device made. */
export function isHealApproved(
  state: KeychainState,
  at: {
    readonly deviceId: DeviceId;
    readonly vaultId: VaultId;
    readonly snapshot: number;
    readonly keychainSeq: number;
  },
): boolean {
  return state.healApprovals.some(
    (approval) =>
      approval.seq <= at.keychainSeq &&
      approval.snapshot === at.snapshot &&
      toHex(approval.vaultId) === toHex(at.vaultId) &&
      toHex(approval.deviceId) === toHex(at.deviceId),
  );
}

/** A device whose blobs another one relies on. */
export interface DedupAuthor {
  readonly deviceId: DeviceId;
  /** Ed25519 public key, 32 bytes. */
  readonly signingKey: Uint8Array;
}

/**
 * The devices whose blobs `deviceId` may rely on beside its own (security.md §3.4 P1). One that was compromised at any
 * time counts for nothing: when its commits were made is known from its own clock only.
 */
export function dedupAuthors(state: KeychainState, deviceId: DeviceId): readonly DedupAuthor[] {
  const trusts = deviceRecord(state, deviceId)?.trusts ?? [];
  const ids = new Set(trusts.map(toHex));
  ids.delete(toHex(deviceId));
  return [...state.devices.values()].filter(
    ({ deviceId: id, compromisedSince }) => ids.has(toHex(id)) && compromisedSince === undefined,
  );
}
