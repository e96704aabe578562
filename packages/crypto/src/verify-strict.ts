/**
 * Strict Ed25519 (RFC 8032, security.md §3.1): S < L, canonical encodings, no small-order points, the equation
 * without cofactor. One set of bytes is accepted or refused alike on every platform, so a signed chain cannot be
 * valid for one reader and broken for another.
 */

import { toHex } from '@keephold/bytes';
import { verifyEd25519 } from '#primitives/ed25519-verify';

const POINT = 32;
const SIGNATURE = 64;
// L = 2^252 + 27742317777372353535851937790883648493, little-endian.
const ORDER: readonly number[] = [
  0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
// p = 2^255 − 19, little-endian.
const PRIME: readonly number[] = [0xed, ...new Array<number>(30).fill(0xff), 0x7f];
/** y of the points of order 1, 2, 4 and 8 (two), as hex of the encoding with sign bit 0. */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '00'.repeat(32),
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

export interface SignatureCheck {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** All that was signed, the label included. */
  readonly message: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/** Whether the signature is good. False, not an error, for input of any other length or form. */
export function verifyStrict(check: SignatureCheck): boolean {
  const { publicKey, signature } = check;
  if (publicKey.length !== POINT || signature.length !== SIGNATURE) return false;
  if (!isAcceptablePoint(publicKey) || !isAcceptablePoint(signature.subarray(0, POINT))) return false;
  if (!isBelow(signature.subarray(POINT), ORDER)) return false;
  try {
    return verifyEd25519(check);
  } catch {
    // Both platforms throw for 32 bytes that are no point of the curve.
    return false;
  }
}

function isAcceptablePoint(encoded: Uint8Array): boolean {
  const y = encoded.slice();
  y[POINT - 1] = (y[POINT - 1] as number) & 0x7f;
  return isBelow(y, PRIME) && !SMALL_ORDER.has(toHex(y));
}

/** Compares little-endian numbers of equal length. */
function isBelow(value: Uint8Array, limit: readonly number[]): boolean {
  for (let i = limit.length - 1; i >= 0; i--) {
    const difference = (value[i] as number) - (limit[i] as number);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
