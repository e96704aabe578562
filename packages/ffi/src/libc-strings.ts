/** Bytes as C wants them: ended by NUL. */
import { errno, SystemError } from './libc-errors.ts';

/** Bytes up to a NUL, which must be inside the array; what follows it does not matter. */
export type CString = Uint8Array;

/** PATH_MAX of Linux, with its NUL: no call takes more. */
const MAX_PATH_BYTES = 4096;

/**
 * A NUL-ended copy.
 *
 * @throws SystemError EINVAL when there is a NUL inside: C would see another, shorter name.
 */
export function cString(bytes: Uint8Array): CString {
  refuseNul(bytes);
  const copy = new Uint8Array(bytes.length + 1);
  copy.set(bytes);
  return copy;
}

/** A place to put one name or path at a time, so that a call allocates nothing. The answer lasts until the next call. */
export class CStringScratch {
  readonly #bytes = new Uint8Array(MAX_PATH_BYTES);

  /**
   * @throws SystemError EINVAL when there is a NUL inside, ENAMETOOLONG when no call could take it.
   */
  put(bytes: Uint8Array): CString {
    if (bytes.length >= MAX_PATH_BYTES) throw new SystemError('name', errno.ENAMETOOLONG, bytes.subarray(0, 80));
    refuseNul(bytes);
    this.#bytes.set(bytes);
    this.#bytes[bytes.length] = 0;
    return this.#bytes;
  }

  /** Digits of a number after a fixed prefix, as in '/proc/self/fd/7'. */
  putNumbered(prefix: string, number: number): CString {
    const text = `${prefix}${number}`;
    for (let i = 0; i < text.length; i++) this.#bytes[i] = text.charCodeAt(i);
    this.#bytes[text.length] = 0;
    return this.#bytes;
  }
}

function refuseNul(bytes: Uint8Array): void {
  if (bytes.includes(0)) throw new SystemError('name', errno.EINVAL, bytes.subarray(0, 80));
}
