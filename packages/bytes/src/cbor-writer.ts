/**
 * Writes the deterministic CBOR subset of format.md (RFC 8949 §4.2.1) straight into a growing buffer, for codecs
 * that run once per file. Heads are always the shortest; the caller must write map keys in canonical order
 * (ascending integers; byte strings by length, then bytewise) and as many items as its headers announce.
 *
 * Head: major type (3 bits) ‖ info (5 bits): < 24 the argument itself, 24–27 argument in 1, 2, 4, 8 bytes (big-endian).
 */

import { CborError } from './errors.ts';

const INITIAL_CAPACITY = 1024;
const LONGEST_HEAD = 9;
// Below this a loop beats the call overhead of TypedArray.set.
const SHORT_COPY = 24;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

const MAJOR_UINT = 0;
const MAJOR_NEGATIVE = 1;
const MAJOR_BYTES = 2;
const MAJOR_TEXT = 3;
const MAJOR_ARRAY = 4;
const MAJOR_MAP = 5;

const encoder = new TextEncoder();

export class CborWriter {
  #buffer: Uint8Array<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;
  #length = 0;

  constructor(initialCapacity: number = INITIAL_CAPACITY) {
    this.#buffer = new Uint8Array(Math.max(initialCapacity, LONGEST_HEAD));
    this.#view = new DataView(this.#buffer.buffer);
  }

  /** Bytes written since the start or the last `finish` or `reset`. */
  get length(): number {
    return this.#length;
  }

  /** @throws CborError unless a safe integer ≥ 0. */
  uint(value: number): void {
    if (!(Number.isSafeInteger(value) && value >= 0)) throw unencodable('not a safe unsigned integer', value);
    this.#head(MAJOR_UINT, value);
  }

  /** @throws CborError unless a safe integer, or a bigint from −2^64 to 2^64 − 1. */
  int(value: number | bigint): void {
    if (typeof value === 'bigint') this.#bigInteger(value);
    else if (!Number.isSafeInteger(value)) throw unencodable('not a safe integer', value);
    else if (value < 0) this.#head(MAJOR_NEGATIVE, -1 - value);
    else this.#head(MAJOR_UINT, value);
  }

  bytes(value: Uint8Array): void {
    this.#head(MAJOR_BYTES, value.length);
    this.raw(value);
  }

  /** @throws CborError when the text has a lone surrogate, which UTF-8 cannot hold. */
  text(value: string): void {
    if (!value.isWellFormed()) throw unencodable('text with a lone surrogate', JSON.stringify(value));
    const encoded = encoder.encode(value);
    this.#head(MAJOR_TEXT, encoded.length);
    this.raw(encoded);
  }

  /** Announces an array of `count` items, which the caller writes next. */
  arrayHeader(count: number): void {
    if (!(Number.isSafeInteger(count) && count >= 0)) throw unencodable('not an item count', count);
    this.#head(MAJOR_ARRAY, count);
  }

  /** Announces a map of `count` pairs, which the caller writes next, key before value, keys in canonical order. */
  mapHeader(count: number): void {
    if (!(Number.isSafeInteger(count) && count >= 0)) throw unencodable('not a pair count', count);
    this.#head(MAJOR_MAP, count);
  }

  /** Appends bytes that are CBOR already. */
  raw(encoded: Uint8Array): void {
    this.#reserve(encoded.length);
    const buffer = this.#buffer;
    const start = this.#length;
    if (encoded.length <= SHORT_COPY) {
      for (let i = 0; i < encoded.length; i++) buffer[start + i] = encoded[i] as number;
    } else {
      buffer.set(encoded, start);
    }
    this.#length = start + encoded.length;
  }

  /** Returns a copy of what was written and starts anew with the same buffer. */
  finish(): Uint8Array<ArrayBuffer> {
    const result = this.#buffer.slice(0, this.#length);
    this.#length = 0;
    return result;
  }

  /** What was written so far, as a view that the next write may overwrite. */
  get written(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Forgets what was written. */
  reset(): void {
    this.#length = 0;
  }

  #bigInteger(value: bigint): void {
    const negative = value < 0n;
    const argument = negative ? ~value : value;
    if (argument > U64_MAX) throw unencodable('integer beyond 64 bits', value);
    const major = negative ? MAJOR_NEGATIVE : MAJOR_UINT;
    if (argument <= 0xffff_ffffn) {
      this.#head(major, Number(argument));
      return;
    }
    this.#reserve(LONGEST_HEAD);
    this.#buffer[this.#length] = (major << 5) | 27;
    this.#view.setBigUint64(this.#length + 1, argument);
    this.#length += LONGEST_HEAD;
  }

  #head(major: number, argument: number): void {
    this.#reserve(LONGEST_HEAD);
    const at = this.#length;
    const type = major << 5;
    if (argument < 24) {
      this.#buffer[at] = type | argument;
      this.#length = at + 1;
    } else if (argument < 0x100) {
      this.#buffer[at] = type | 24;
      this.#buffer[at + 1] = argument;
      this.#length = at + 2;
    } else if (argument < 0x10000) {
      this.#buffer[at] = type | 25;
      this.#view.setUint16(at + 1, argument);
      this.#length = at + 3;
    } else if (argument < 0x100000000) {
      this.#buffer[at] = type | 26;
      this.#view.setUint32(at + 1, argument);
      this.#length = at + 5;
    } else {
      this.#buffer[at] = type | 27;
      this.#view.setUint32(at + 1, Math.floor(argument / 0x100000000));
      this.#view.setUint32(at + 5, argument % 0x100000000);
      this.#length = at + LONGEST_HEAD;
    }
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function unencodable(cause: string, value: unknown): CborError {
  return new CborError('cbor-unencodable', `${cause} (${String(value)})`);
}
