/** Deriving keys: HKDF-Expand with SHA-256 (RFC 5869 §2.3). Keys are uniform already, so Extract is never needed. */

import { concatBytes } from '@keephold/bytes';
import { InvalidKeyError } from './errors.ts';
import { hmacSha256 } from './hmac-sha256.ts';
import { asKey, KEY_LENGTH, type Key, type KeyName } from './keys.ts';

const HASH = 32;
const LONGEST = 255 * HASH;

/**
 * `n` bytes that depend on all of `key` and `info`.
 * @throws InvalidKeyError when the key has less than 32 bytes or n is not between 1 and 8,160.
 */
export function expand(key: Uint8Array, info: Uint8Array, n: number): Uint8Array<ArrayBuffer> {
  if (key.length < HASH) throw new InvalidKeyError(`expand key: ${key.length} bytes, must be at least ${HASH}`);
  if (!Number.isInteger(n) || n < 1 || n > LONGEST) throw new InvalidKeyError(`expand key: cannot give ${n} bytes`);
  const output = new Uint8Array(Math.ceil(n / HASH) * HASH);
  let previous = new Uint8Array(0);
  for (let i = 0; i * HASH < n; i++) {
    previous = hmacSha256(key, previous, info, Uint8Array.of(i + 1));
    output.set(previous, i * HASH);
  }
  return output.length === n ? output : output.slice(0, n);
}

/** A key of 32 bytes: Expand(key, the joined info parts, 32). */
export function expandKey<Name extends KeyName>(
  name: Name,
  key: Uint8Array,
  ...info: readonly Uint8Array[]
): Key<Name> {
  return asKey(name, expand(key, concatBytes(...info), KEY_LENGTH));
}
