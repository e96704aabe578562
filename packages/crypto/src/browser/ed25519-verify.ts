/**
 * Ed25519 verification by noble, which is synchronous and everywhere. Its equation multiplies by the cofactor, and
 * so accepts keys with a small-order part that Node's refuses; the exact equation on top makes both accept the same.
 */

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import type * as contract from '#primitives/ed25519-verify';

const { Point } = ed25519;
const SCALAR = 32;

export const verifyEd25519: typeof contract.verifyEd25519 = ({ publicKey, message, signature }) =>
  ed25519.verify(signature, message, publicKey, { zip215: false }) && holdsExactly(publicKey, message, signature);

/** encode([S]B − [k]A) = R, with k = SHA-512(R ‖ A ‖ M) mod L. All of it public, so time may vary. */
function holdsExactly(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const r = signature.subarray(0, SCALAR);
  const s = littleEndian(signature.subarray(SCALAR));
  const hash = sha512.create().update(r).update(publicKey).update(message).digest();
  const k = Point.Fn.create(littleEndian(hash));
  const expected = Point.BASE.multiplyUnsafe(s).subtract(Point.fromBytes(publicKey).multiplyUnsafe(k)).toBytes();
  return expected.every((byte, i) => byte === r[i]);
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return value;
}
