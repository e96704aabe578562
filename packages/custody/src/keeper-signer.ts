import type { DeviceId } from '@keephold/protocol';

/** Who signs the keeper's events: in a local repository the device that runs it (security.md §4), else the server. */
export interface KeeperSigner {
  /** Undefined for a server: it signs with the event key that the genesis of the account names. */
  readonly deviceId: DeviceId | undefined;
  /** Ed25519 signature, 64 bytes, of exactly these bytes. */
  readonly sign: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;
}
