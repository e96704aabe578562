/**
 * Reads the deterministic CBOR subset of format.md by position, for codecs that build their own records. Input is
 * hostile: everything not canonical is refused where it stands – longer heads than needed, indefinite lengths,
 * floats, tags, simple values, lengths beyond the input, invalid UTF-8. The caller must check the key order of maps
 * it walks (`readIntegerKey`, `readBytesKey` do) and call `end` when it has read its last item.
 */

import { compareBytes } from './compare-bytes.ts';
import { CborError, type CborErrorCode } from './errors.ts';

export type CborType = 'uint' | 'negative' | 'bytes' | 'text' | 'array' | 'map';

/** Containers within containers allowed in any CBOR of the format. */
export const MAX_CBOR_DEPTH = 16;

const TYPES: readonly CborType[] = ['uint', 'negative', 'bytes', 'text', 'array', 'map'];
const UNSUPPORTED: readonly string[] = ['tag', 'float or simple value'];
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
// Names of files and keys are short; below this an ASCII loop beats the call into TextDecoder.
const SHORT_TEXT = 24;

export class CborReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  constructor(bytes: Uint8Array) {
    // A plain view, because subclasses (Node's Buffer) give subarray and slice other meanings.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Offset of the next item. */
  get position(): number {
    return this.#position;
  }

  /** Whether all input was read. */
  get done(): boolean {
    return this.#position === this.#bytes.length;
  }

  /** @throws CborError `cbor-trailing-bytes` when input is left. */
  end(): void {
    if (!this.done) throw this.#fault('cbor-trailing-bytes', `${this.#bytes.length - this.#position} bytes left over`);
  }

  /** Type of the next item, which stays unread. */
  peekType(): CborType {
    return TYPES[this.#peekMajor()] as CborType;
  }

  /** An unsigned integer up to 2^53 − 1. */
  readUint(): number {
    const value = this.#argument('uint');
    if (value < 0) throw this.#fault('cbor-unexpected-type', 'unsigned integer beyond 2^53 − 1');
    return value;
  }

  /** An integer of 64 bits: a number when it is a safe integer, else a bigint. */
  readInt(): number | bigint {
    const negative = this.#peekMajor() === 1;
    const value = this.#argument(negative ? 'negative' : 'uint');
    if (value < 0) {
      const wide = this.#view.getBigUint64(this.#position - 8);
      return negative ? ~wide : wide;
    }
    if (!negative) return value;
    return value === Number.MAX_SAFE_INTEGER ? -(2n ** 53n) : -1 - value;
  }

  /** A byte string, as a view into the input. */
  readBytes(): Uint8Array {
    const length = this.#lengthOf('bytes', 1);
    const start = this.#position;
    this.#position = start + length;
    // Half the price of subarray, and every field of a tree comes through here.
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, length);
  }

  readText(): string {
    const length = this.#lengthOf('text', 1);
    const start = this.#position;
    this.#position = start + length;
    return length <= SHORT_TEXT ? this.#shortText(start, length) : this.#longText(start, length);
  }

  /** Number of items that follow; at most as many as the rest of the input could hold. */
  readArrayHeader(): number {
    return this.#lengthOf('array', 1);
  }

  /** Number of pairs that follow; the caller checks the order of their keys. */
  readMapHeader(): number {
    return this.#lengthOf('map', 2);
  }

  /** A map key that is an unsigned integer; must be above `previous` (−1 for the first). */
  readIntegerKey(previous: number): number {
    const at = this.#position;
    const key = this.readUint();
    if (key <= previous) throw new CborError('cbor-not-canonical', `map key ${key} after ${previous}`, at);
    return key;
  }

  /** A map key that is a byte string; must come after `previous` (undefined for the first) in canonical order. */
  readBytesKey(previous: Uint8Array | undefined): Uint8Array {
    const at = this.#position;
    const key = this.readBytes();
    if (previous !== undefined && compareKeys(key, previous) <= 0) {
      throw new CborError('cbor-not-canonical', 'map keys unsorted or repeated', at);
    }
    return key;
  }

  /** Passes over one item, checked as strictly as if it had been read. */
  skip(maxDepth: number = MAX_CBOR_DEPTH): void {
    switch (this.peekType()) {
      case 'uint':
      case 'negative':
        this.readInt();
        return;
      case 'bytes':
        this.readBytes();
        return;
      case 'text':
        this.readText();
        return;
      case 'array':
        this.requireDepth(maxDepth);
        for (let left = this.readArrayHeader(); left > 0; left--) this.skip(maxDepth - 1);
        return;
      case 'map':
        this.requireDepth(maxDepth);
        this.#skipMap(maxDepth - 1);
    }
  }

  /** @throws CborError `cbor-too-deep` when no further container may be entered. */
  requireDepth(remaining: number): void {
    if (remaining < 1) throw this.#fault('cbor-too-deep', 'containers nested too deeply');
  }

  #skipMap(maxDepth: number): void {
    let left = this.readMapHeader();
    if (left > 0 && this.peekType() === 'bytes') {
      for (let key: Uint8Array | undefined; left > 0; left--) {
        key = this.readBytesKey(key);
        this.skip(maxDepth);
      }
      return;
    }
    for (let key = -1; left > 0; left--) {
      key = this.readIntegerKey(key);
      this.skip(maxDepth);
    }
  }

  #peekMajor(): number {
    const initial = this.#bytes[this.#position];
    if (initial === undefined) throw this.#fault('cbor-truncated', 'input ends where an item should start');
    const major = initial >> 5;
    if (major > 5) throw this.#fault('cbor-unsupported', `${UNSUPPORTED[major - 6]} is not part of the format`);
    return major;
  }

  /** Argument of the head of an item of `type`; −1 when above 2^53 − 1, then the eight bytes before the position hold it. */
  #argument(type: CborType): number {
    if (this.peekType() !== type)
      throw this.#fault('cbor-unexpected-type', `${this.peekType()} where ${type} should be`);
    const at = this.#position;
    const info = (this.#bytes[at] as number) & 31;
    if (info < 24) {
      this.#position = at + 1;
      return info;
    }
    if (info > 27) throw this.#fault('cbor-unsupported', 'indefinite or reserved length');
    const width = 1 << (info - 24);
    if (at + 1 + width > this.#bytes.length) throw this.#fault('cbor-truncated', 'input ends inside a head');
    const value = this.#wideArgument(at + 1, width);
    this.#position = at + 1 + width;
    return value;
  }

  #wideArgument(at: number, width: number): number {
    if (width === 8) {
      const high = this.#view.getUint32(at);
      if (high === 0) throw this.#fault('cbor-not-canonical', 'head longer than needed');
      return high > 0x1fffff ? -1 : high * 0x100000000 + this.#view.getUint32(at + 4);
    }
    const value =
      width === 1 ? (this.#bytes[at] as number) : width === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
    if (value < (width === 1 ? 24 : width === 2 ? 0x100 : 0x10000))
      throw this.#fault('cbor-not-canonical', 'head longer than needed');
    return value;
  }

  /** A length or count whose content, at `unit` bytes each or more, fits into the rest of the input. */
  #lengthOf(type: CborType, unit: number): number {
    const length = this.#argument(type);
    if (length < 0 || length * unit > this.#bytes.length - this.#position) {
      throw this.#fault('cbor-truncated', `${type} longer than the input`);
    }
    return length;
  }

  #shortText(start: number, length: number): string {
    let text = '';
    for (let i = start; i < start + length; i++) {
      const code = this.#bytes[i] as number;
      if (code > 127) return this.#longText(start, length);
      text += String.fromCharCode(code);
    }
    return text;
  }

  #longText(start: number, length: number): string {
    try {
      return decoder.decode(this.#bytes.subarray(start, start + length));
    } catch {
      throw new CborError('cbor-not-canonical', 'text is not valid UTF-8', start);
    }
  }

  #fault(code: CborErrorCode, cause: string): CborError {
    return new CborError(code, cause, this.#position);
  }
}

/** Canonical order of byte-string keys: by their encoding, which puts the shorter first. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return a.length - b.length || compareBytes(a, b);
}
