import type { DeviceId } from '@keephold/protocol';

/** Who signs the keeper's events in a local repository: the device that runs it (security.md §4). */
export interface KeeperSigner {
  readonly deviceId: DeviceId;
  /** Ed25519 signature, 64 bytes, of exactly these bytes. */
  readonly sign: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;
}
