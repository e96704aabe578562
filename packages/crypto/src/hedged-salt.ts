/**
 * Salts of packs and sealed objects (format.md §4, §5): random, and bound to the content as well, so that a cloned
 * machine which repeats its randomness repeats a salt only together with the same content.
 */

import { hmacSha256 } from './hmac-sha256.ts';
import { KEY_LENGTH, requireLength } from './keys.ts';
import { label } from './label.ts';

/**
 * 32 bytes.
 * @param random 32 fresh random bytes
 * @param digest SHA-256 of what the salt is for: the payload of an object, trailer ‖ tail of a pack
 */
export function hedgedSalt(random: Uint8Array, digest: Uint8Array): Uint8Array<ArrayBuffer> {
  requireLength('salt randomness', random, KEY_LENGTH);
  requireLength('salt digest', digest, KEY_LENGTH);
  return hmacSha256(random, label('salt'), digest);
}
