/** What the engine needs to write a vault, and to read it. The engine declares the same shapes for itself. */
import type { ChunkerKey, IdKey, IndexKey, XWingSeed } from '@keephold/crypto';
import type { AccountId, DeviceId, VaultId } from '@keephold/protocol';

export interface VaultKeys {
  readonly vaultId: VaultId;
  readonly accountId: AccountId;
  readonly idKey: IdKey;
  readonly chunkerKey: ChunkerKey;
  /** By epoch, 0 to `epoch`. */
  readonly indexKeys: ReadonlyMap<number, IndexKey>;
  /** The epoch in force. */
  readonly epoch: number;
  /** Public half of readKey of that epoch, 1,216 bytes. */
  readonly readKeyPublic: Uint8Array;
}

/** Deduplicates against everything in the vault and opens none of it. */
export interface WriteKeys extends VaultKeys {
  readonly deviceId: DeviceId;
}

export interface ReadKeys extends VaultKeys {
  /** Private halves of readKey by epoch, 0 to `epoch`. */
  readonly readKeySeeds: ReadonlyMap<number, XWingSeed>;
}
