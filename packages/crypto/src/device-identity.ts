/**
 * What identifies a device (security.md §3.2): a bundle of its public keys, the bundle's fingerprint, the id that is
 * the fingerprint's first half, and the code people compare. All recomputed by whoever is shown one.
 */

import { concatBytes } from '@keephold/bytes';
import { sha256 } from '#primitives/sha256';
import { MalformedObjectError } from './errors.ts';
import { ID_LENGTH, KEY_LENGTH, requireLength } from './keys.ts';
import { label } from './label.ts';
import { X_WING_PUBLIC_LENGTH } from './x-wing.ts';

const BUNDLE_VERSION = 1;
const BUNDLE_LENGTH = 1 + KEY_LENGTH + X_WING_PUBLIC_LENGTH;
// Crockford's base 32: no I, L, O, U, which are misread or misheard.
const CODE_ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CODE_LENGTH = 25;
const CODE_GROUP = 5;

export interface DevicePublicKeys {
  /** Ed25519, 32 bytes. */
  readonly signing: Uint8Array;
  /** X-Wing, 1,216 bytes. */
  readonly exchange: Uint8Array;
}

/** 0x01 ‖ Ed25519 public 32 ‖ X-Wing public 1,216. */
export function encodeDeviceBundle(keys: DevicePublicKeys): Uint8Array<ArrayBuffer> {
  requireLength('device signing key', keys.signing, KEY_LENGTH);
  requireLength('device exchange key', keys.exchange, X_WING_PUBLIC_LENGTH);
  return concatBytes(Uint8Array.of(BUNDLE_VERSION), keys.signing, keys.exchange);
}

/** @throws MalformedObjectError when the bytes are no bundle. */
export function decodeDeviceBundle(bundle: Uint8Array): DevicePublicKeys {
  if (bundle.length !== BUNDLE_LENGTH || bundle[0] !== BUNDLE_VERSION) {
    throw new MalformedObjectError(`read device bundle: ${bundle.length} bytes, version ${bundle[0]}`);
  }
  return { signing: bundle.slice(1, 1 + KEY_LENGTH), exchange: bundle.slice(1 + KEY_LENGTH) };
}

/** 32 bytes. */
export function deviceFingerprint(bundle: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(label('device-fp'), bundle);
}

/** 16 bytes: the first half of the fingerprint. */
export function deviceId(bundle: Uint8Array): Uint8Array<ArrayBuffer> {
  return deviceFingerprint(bundle).slice(0, ID_LENGTH);
}

/** The first 125 bits of a 32-byte fingerprint as 25 characters in groups of five, for people to compare. */
export function fingerprintCode(fingerprint: Uint8Array): string {
  requireLength('fingerprint', fingerprint, KEY_LENGTH);
  const groups: string[] = [];
  for (let at = 0; at < CODE_LENGTH; at += CODE_GROUP) {
    groups.push(
      Array.from({ length: CODE_GROUP }, (_, i) => CODE_ALPHABET.charAt(fiveBits(fingerprint, at + i))).join(''),
    );
  }
  return groups.join('-');
}

/** Bits 5·n to 5·n + 4, most significant first. */
function fiveBits(bytes: Uint8Array, n: number): number {
  const byte = Math.floor((n * 5) / 8);
  const pair = ((bytes[byte] as number) << 8) | (bytes[byte + 1] as number);
  return (pair >> (11 - ((n * 5) % 8))) & 31;
}
