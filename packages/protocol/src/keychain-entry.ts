/** What a keychain entry says, per kind (security.md §3.11). Codec: keychain-codec.ts and keychain-bodies.ts. */
import type { AccountId, DeviceId, ObjectName, VaultId } from './ids.ts';

/** Length of an X-Wing public key. */
export const EXCHANGE_KEY_LENGTH = 1216;
/** Length of an Ed25519 public key. */
export const SIGNING_KEY_LENGTH = 32;
/** 0x01 ‖ Ed25519 public key ‖ X-Wing public key. */
export const BUNDLE_LENGTH: number = 1 + SIGNING_KEY_LENGTH + EXCHANGE_KEY_LENGTH;

export type DeviceRole = 'backup-only' | 'trusted';

/** Methods of slots that exist: security.md §3.7. */
export type SlotMethod = 'opaque' | 'passkey' | 'words' | 'contacts' | 'local-password' | 'keystore';

export interface VaultPolicy {
  /** W: days for which nothing received leaves, and for which a superseded snapshot stays. */
  readonly windowDays: number;
  /** D: days a snapshot stays in the trash. */
  readonly trashDays: number;
  /** The first snapshot of each day is kept for so many days … */
  readonly dailyDays: number;
  /** … of each week for so many weeks … */
  readonly weeklyWeeks: number;
  /** … of each month for so many months. */
  readonly monthlyMonths: number;
}

export interface GenesisBody {
  readonly kind: 'genesis';
  /** AIK, Ed25519. */
  readonly identityKey: Uint8Array;
  /** AXK, X-Wing. */
  readonly exchangeKey: Uint8Array;
  /** Ed25519 key that signs keeper events; undefined in a local repository. */
  readonly eventKey: Uint8Array | undefined;
  /** The server's OPAQUE public key; undefined in a local repository. */
  readonly opaqueKey: Uint8Array | undefined;
}

export interface AddDeviceBody {
  readonly kind: 'add-device';
  /** 0x01 ‖ Ed25519 public key 32 ‖ X-Wing public key 1216; its fingerprint is the device id. */
  readonly bundle: Uint8Array;
  readonly role: DeviceRole;
  /** The vaults it may write. */
  readonly vaults: readonly VaultId[];
  readonly grants: readonly ObjectName[];
  /** Sealed object 0x40. */
  readonly sealedName: Uint8Array | undefined;
  /** By the device, over `deviceCountersigningInput`. */
  readonly countersignature: Uint8Array;
}

export interface CreateVaultBody {
  readonly kind: 'create-vault';
  readonly vaultId: VaultId;
  /** 1: Gear as in format.md §3. */
  readonly chunker: 1;
  readonly policy: VaultPolicy;
  /** Public half of readKey of epoch 0. */
  readonly readKey: Uint8Array;
  readonly sealedName: Uint8Array | undefined;
}

export type KeychainBody =
  | GenesisBody
  | AddDeviceBody
  | CreateVaultBody
  | { readonly kind: 'revoke-device'; readonly deviceId: DeviceId }
  /** `since`: unix seconds. */
  | { readonly kind: 'compromised-since'; readonly deviceId: DeviceId; readonly since: number }
  | {
      readonly kind: 'set-role';
      readonly deviceId: DeviceId;
      readonly role: DeviceRole;
      readonly grants: readonly ObjectName[];
    }
  /** Replaces the list of those whose packs the device may rely on. */
  | { readonly kind: 'trust-dedup'; readonly deviceId: DeviceId; readonly trusted: readonly DeviceId[] }
  | {
      readonly kind: 'rotate-epoch';
      readonly vaultId: VaultId;
      readonly epoch: number;
      readonly readKey: Uint8Array;
      readonly grants: readonly ObjectName[];
    }
  | { readonly kind: 'set-policy'; readonly vaultId: VaultId; readonly policy: VaultPolicy }
  /** `recordHash`: SHA-256 of the slot record. */
  | {
      readonly kind: 'add-slot';
      readonly slotId: Uint8Array;
      readonly method: SlotMethod;
      readonly recordHash: Uint8Array;
    }
  | { readonly kind: 'remove-slot'; readonly slotId: Uint8Array }
  | { readonly kind: 'delete-request'; readonly vaultId: VaultId; readonly snapshots: readonly number[] }
  /** `request`: seq of the entry that asked. */
  | { readonly kind: 'cancel-request'; readonly request: number }
  | { readonly kind: 'rotate-aik'; readonly identityKey: Uint8Array; readonly exchangeKey: Uint8Array }
  | { readonly kind: 'recovered'; readonly method: SlotMethod; readonly generation: number }
  /** Readers and writers that know only versions below `version` must stop. */
  | { readonly kind: 'min-version'; readonly version: number }
  /** `deviceId` may heal `snapshot`, which another device made. */
  | {
      readonly kind: 'approve-heal';
      readonly vaultId: VaultId;
      readonly snapshot: number;
      readonly deviceId: DeviceId;
    }
  | { readonly kind: 'release-hold'; readonly vaultId: VaultId }
  /** `until`: unix seconds. */
  | {
      readonly kind: 'lend-read';
      readonly vaultId: VaultId;
      readonly deviceId: DeviceId;
      readonly grant: ObjectName;
      readonly until: number;
    }
  /** `sealedName`: object 0x40, in place of the one the device had. */
  | { readonly kind: 'rename-device'; readonly deviceId: DeviceId; readonly sealedName: Uint8Array };

export type KeychainSigner =
  | { readonly kind: 'identity'; readonly identityKey: Uint8Array }
  | { readonly kind: 'device'; readonly deviceId: DeviceId };

export interface KeychainEntry {
  readonly accountId: AccountId;
  /** From 0, which is genesis. */
  readonly seq: number;
  /** entryHash of seq − 1; zeros for genesis. 32 bytes. */
  readonly prevHash: Uint8Array;
  /** Unix seconds, by the signer's clock. */
  readonly time: number;
  readonly signer: KeychainSigner;
  readonly body: KeychainBody;
}
