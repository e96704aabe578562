/** The number that a seed draws for a file: the same one each time, whatever else is drawn and in which order. */
import { concatBytes, readU32, u32le } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';

/** Bytes that a path is remembered by. */
export const PATH_MARK_BYTES = 8;

/** Of a path, for the history: tells whether it was drilled, and not what it is called. Hex. */
export function pathMark(path: Uint8Array): string {
  return Buffer.from(sha256(path).subarray(0, PATH_MARK_BYTES)).toString('hex');
}

/**
 * Smallest first is a draw in which each weighs as it should (Efraimidis and Spirakis 2006: −ln(u) / weight). Infinite
 * for a weight of 0.
 */
export function drawKey(seed: number, path: Uint8Array, weight: number): number {
  const hash = sha256(concatBytes(u32le(seed), path));
  // 53 bits, never 0.
  const uniform = ((readU32(hash, 0) >>> 5) * 2 ** 26 + (readU32(hash, 4) >>> 6) + 1) / (2 ** 53 + 1);
  return weight > 0 ? -Math.log(uniform) / weight : Number.POSITIVE_INFINITY;
}
