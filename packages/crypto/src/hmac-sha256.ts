/**
 * HMAC-SHA256 (RFC 2104) from the platform's SHA-256. Composed here because Node's own HMAC object costs tens of
 * microseconds to make, several times the two hashes over the short inputs this package has.
 */

import { sha256 } from '#primitives/sha256';

const BLOCK = 64;

/** MAC of the joined parts, 32 bytes. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const short = key.length > BLOCK ? sha256(key) : key;
  const inner = padded(short, 0x36);
  const outer = padded(short, 0x5c);
  const mac = sha256(outer, sha256(inner, ...parts));
  inner.fill(0);
  outer.fill(0);
  return mac;
}

function padded(key: Uint8Array, pad: number): Uint8Array {
  const block = new Uint8Array(BLOCK).fill(pad);
  for (let i = 0; i < key.length; i++) block[i] = (key[i] as number) ^ pad;
  return block;
}
