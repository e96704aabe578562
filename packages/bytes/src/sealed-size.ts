/** Padding of sealed objects (format.md §5): a handful of sizes per power of two hides the exact length. */

import { OutOfRangeError } from './errors.ts';

const LENGTH_FIELD = 4;
const SMALLEST = 256;
const LARGEST_REAL_LENGTH = 2 ** 30;

/**
 * Length of the padded plaintext for a payload of `realLength` bytes: the smallest (4+j)·2^k, j = 0…3, that holds
 * the length field and the payload, and at least 256.
 * @throws OutOfRangeError when the length is no integer between 0 and 2^30.
 */
export function sealedSize(realLength: number): number {
  if (!Number.isInteger(realLength) || realLength < 0 || realLength > LARGEST_REAL_LENGTH) {
    throw new OutOfRangeError(`pad sealed object: length out of range (${realLength})`);
  }
  const needed = Math.max(SMALLEST, LENGTH_FIELD + realLength);
  // With 4·unit ≤ needed < 8·unit, rounding up to a unit is the answer; 8·unit is 4·(2·unit).
  const unit = 2 ** (31 - Math.clz32(needed) - 2);
  return Math.ceil(needed / unit) * unit;
}
