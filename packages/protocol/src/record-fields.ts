/**
 * Reads the fields of a CBOR map with integer keys one by one and refuses whatever is missing, of another type or
 * length, or left over. Every record codec stands on it, so that "exactly these keys" is checked in one place.
 */
import { type CborMap, type CborValue, decodeCbor, toHex } from '@keephold/bytes';
import { MalformedRecordError } from './errors.ts';

export class RecordFields {
  readonly #map: Map<unknown, CborValue>;
  /** For messages: "commit", "add-device body". */
  readonly what: string;

  constructor(value: CborValue | undefined, what: string) {
    if (!(value instanceof Map)) throw new MalformedRecordError(`read ${what}: not a map`);
    this.#map = new Map(value as CborMap);
    this.what = what;
  }

  has(key: number): boolean {
    return this.#map.has(key);
  }

  /** Any value, unchecked; undefined when the key is absent. */
  take(key: number): CborValue | undefined {
    const value = this.#map.get(key);
    this.#map.delete(key);
    return value;
  }

  /** An unsigned safe integer within the bounds. */
  uint(key: number, minimum: number = 0, maximum: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.take(key);
    if (typeof value !== 'number' || value < minimum || value > maximum) throw this.fault(key, 'integer out of range');
    return value;
  }

  /** A signed integer of 64 bits. */
  int64(key: number): bigint {
    const value = this.take(key);
    if (typeof value !== 'number' && typeof value !== 'bigint') throw this.fault(key, 'not an integer');
    const wide = BigInt(value);
    if (BigInt.asIntN(64, wide) !== wide) throw this.fault(key, 'integer beyond 64 bits');
    return wide;
  }

  /** Bytes of exactly `length`, or of any length up to `maximum`. */
  bytes(key: number, length?: number, maximum: number = Number.MAX_SAFE_INTEGER): Uint8Array {
    const value = this.take(key);
    if (!(value instanceof Uint8Array)) throw this.fault(key, 'not a byte string');
    if (value.length > maximum || (length !== undefined && value.length !== length)) {
      throw this.fault(key, `byte string of ${value.length} bytes`);
    }
    return value;
  }

  optionalBytes(key: number, length?: number, maximum?: number): Uint8Array | undefined {
    return this.has(key) ? this.bytes(key, length, maximum) : undefined;
  }

  text(key: number, maximum: number): string {
    const value = this.take(key);
    if (typeof value !== 'string' || value.length > maximum) throw this.fault(key, 'not a text of allowed length');
    return value;
  }

  /** A list of byte strings of `length` bytes, none twice; absent means empty, and an empty one may not be written. */
  idList(key: number, length: number): readonly Uint8Array[] {
    if (!this.has(key)) return [];
    const items = this.#array(key);
    const seen = new Set<string>();
    return items.map((item) => {
      if (!(item instanceof Uint8Array) || item.length !== length) throw this.fault(key, 'list holds what is no id');
      const name = toHex(item);
      if (seen.has(name)) throw this.fault(key, 'list holds one id twice');
      seen.add(name);
      return item;
    });
  }

  /** A strictly ascending list of unsigned integers; absent means empty, and an empty one may not be written. */
  ascendingUints(key: number): readonly number[] {
    if (!this.has(key)) return [];
    let previous = -1;
    return this.#array(key).map((item) => {
      if (typeof item !== 'number' || item <= previous) throw this.fault(key, 'list is not ascending');
      previous = item;
      return item;
    });
  }

  /** A map within the map. */
  record(key: number, what: string): RecordFields {
    return new RecordFields(this.take(key), what);
  }

  /** @throws MalformedRecordError when a key was not taken. */
  end(): void {
    for (const key of this.#map.keys()) throw this.fault(key, 'key does not belong here');
  }

  fault(key: unknown, cause: string): MalformedRecordError {
    return new MalformedRecordError(`read ${this.what}: ${cause} (key ${String(key)})`);
  }

  #array(key: number): readonly CborValue[] {
    const value = this.take(key);
    if (!Array.isArray(value)) throw this.fault(key, 'not an array');
    if (value.length === 0) throw this.fault(key, 'empty list');
    return value;
  }
}

/** @throws MalformedRecordError unless the bytes are one canonical CBOR map. */
export function decodeRecord(bytes: Uint8Array, what: string): RecordFields {
  try {
    return new RecordFields(decodeCbor(bytes), what);
  } catch (cause) {
    if (cause instanceof MalformedRecordError) throw cause;
    throw new MalformedRecordError(`read ${what}: not canonical CBOR`, { cause });
  }
}
