/**
 * The ids that several packages pass around, as branded byte arrays, so that a pack id cannot pass for a blob id.
 * A brand exists at compile time only; whoever creates one from outside bytes checks the length first.
 */
declare const brand: unique symbol;
type Branded<Name extends string> = Uint8Array & { readonly [brand]: Name };

/** 16 bytes. */
export type AccountId = Branded<'AccountId'>;
/** 16 bytes. */
export type VaultId = Branded<'VaultId'>;
/** 16 bytes: the first half of the device's fingerprint (security.md §3.2). */
export type DeviceId = Branded<'DeviceId'>;
/** 16 bytes. */
export type StreamId = Branded<'StreamId'>;
/** 16 bytes: chainId 12 ‖ n u32 (security.md §3.5). */
export type SessionId = Branded<'SessionId'>;
/** 32 bytes: SHA-256 of all bytes of the pack. */
export type PackId = Branded<'PackId'>;
/** 32 bytes: SHA-256 of all bytes of the sealed object. */
export type ObjectName = Branded<'ObjectName'>;
/** 32 bytes: HMAC-SHA256 under the vault's idKey (format.md §1). */
export type BlobId = Branded<'BlobId'>;
/** 32 bytes (format.md §7). */
export type CommitHash = Branded<'CommitHash'>;
