/**
 * The texts that public records are signed and hashed over (format.md §7, security.md §3.11). This package names no
 * primitive: it lays out bytes, whoever calls brings SHA-256 and Ed25519.
 */
import { concatBytes, u32le, utf8Encode } from '@keephold/bytes';
import type { PackIdList } from './custody.ts';
import { packIdCount } from './pack-id-list.ts';

/** SHA-256 over the parts one after the other. */
export type Sha256 = (...parts: readonly Uint8Array[]) => Uint8Array;

/** LBL of format.md: `keephold/v1/` ‖ name ‖ 0x00. */
function label(
  name: 'commit' | 'packs' | 'refset' | 'keychain' | 'sig/commit' | 'sig/keychain' | 'device-fp',
): Uint8Array {
  return utf8Encode(`keephold/v1/${name}\0`);
}

const SIGN_COMMIT = label('sig/commit');
const COMMIT = label('commit');
const PACKS = label('packs');
const REFSET = label('refset');
const SIGN_KEYCHAIN = label('sig/keychain');
const KEYCHAIN = label('keychain');
const DEVICE_FINGERPRINT = label('device-fp');

/** What the device signs: `body` is the commit's CBOR. */
export function commitSigningInput(body: Uint8Array): Uint8Array {
  return concatBytes(SIGN_COMMIT, body);
}

/** Hash these parts to get commitHash; `bytes` is the stored commit, CBOR ‖ signature. */
export function commitHashInput(bytes: Uint8Array): readonly [Uint8Array, Uint8Array] {
  return [COMMIT, bytes];
}

/** Hash these parts to get packsDigest. */
export function packsDigestInput(packs: PackIdList): readonly [Uint8Array, Uint8Array, Uint8Array] {
  return [PACKS, u32le(packIdCount(packs)), packs];
}

/** Hash these parts to get refsetDigest. */
export function refsetDigestInput(packs: PackIdList): readonly [Uint8Array, Uint8Array, Uint8Array] {
  return [REFSET, u32le(packIdCount(packs)), packs];
}

/** What the identity key signs: `body` is the entry's CBOR. */
export function keychainSigningInput(body: Uint8Array): Uint8Array {
  return concatBytes(SIGN_KEYCHAIN, body);
}

/** Hash these parts to get entryHash; `bytes` is the stored entry, CBOR ‖ signature. */
export function keychainHashInput(bytes: Uint8Array): readonly [Uint8Array, Uint8Array] {
  return [KEYCHAIN, bytes];
}

/** Hash these parts to get the device's fingerprint; its first 16 bytes are the deviceId. */
export function deviceFingerprintInput(bundle: Uint8Array): readonly [Uint8Array, Uint8Array] {
  return [DEVICE_FINGERPRINT, bundle];
}
