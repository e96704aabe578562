/**
 * Deterministic CBOR (RFC 8949 §4.2.1) of the values this project stores: integers of 64 bits, byte strings, text,
 * arrays, and maps keyed by unsigned integers or by byte strings (never both in one map). What decodes is exactly
 * what encodes: one byte sequence per value, so nobody has to encode again and compare. Codecs of hot records use
 * CborWriter and CborReader directly.
 */

import { CborReader, compareKeys, MAX_CBOR_DEPTH } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { CborError } from './errors.ts';

export type CborKey = number | Uint8Array;
export type CborMap = ReadonlyMap<CborKey, CborValue>;
export type CborValue = number | bigint | Uint8Array | string | readonly CborValue[] | CborMap;

/**
 * Encodes a value; map keys are put in canonical order.
 * @throws CborError for anything the subset has no form for, and for containers nested more than 16 deep.
 */
export function encodeCbor(value: CborValue): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter();
  writeValue(writer, value, MAX_CBOR_DEPTH);
  return writer.finish();
}

export interface DecodeCborOptions {
  /** Containers within containers; 16 by default. A lone integer has depth 0, `[]` depth 1. */
  readonly maxDepth?: number;
}

/**
 * Decodes exactly one canonical value. Integers become numbers when safe, else bigints; byte strings are copies.
 * @throws CborError on everything that `encodeCbor` would not have written.
 */
export function decodeCbor(bytes: Uint8Array, options: DecodeCborOptions = {}): CborValue {
  const reader = new CborReader(bytes);
  const value = readValue(reader, options.maxDepth ?? MAX_CBOR_DEPTH);
  reader.end();
  return value;
}

/** Writes one value of any type at the writer's end; for the rare generic part of a hand-written codec. */
export function writeCborValue(writer: CborWriter, value: CborValue, maxDepth: number = MAX_CBOR_DEPTH): void {
  writeValue(writer, value, maxDepth);
}

/** Reads one value of any type at the reader's position; for the rare generic part of a hand-written codec. */
export function readCborValue(reader: CborReader, maxDepth: number = MAX_CBOR_DEPTH): CborValue {
  return readValue(reader, maxDepth);
}

function writeValue(writer: CborWriter, value: CborValue, depth: number): void {
  if (typeof value === 'number' || typeof value === 'bigint') writer.int(value);
  else if (typeof value === 'string') writer.text(value);
  else if (value instanceof Uint8Array) writer.bytes(value);
  else if (depth < 1) throw new CborError('cbor-too-deep', 'containers nested too deeply');
  else if (Array.isArray(value)) writeArray(writer, value, depth - 1);
  else if (value instanceof Map) writeMap(writer, value, depth - 1);
  else throw new CborError('cbor-unencodable', `no encoding for a value of type ${typeof value}`);
}

function writeArray(writer: CborWriter, items: readonly CborValue[], depth: number): void {
  writer.arrayHeader(items.length);
  for (const item of items) writeValue(writer, item, depth);
}

function writeMap(writer: CborWriter, map: CborMap, depth: number): void {
  const entries = [...map].sort((a, b) => compareMapKeys(a[0], b[0]));
  writer.mapHeader(entries.length);
  let previous: CborKey | undefined;
  for (const [key, value] of entries) {
    if (typeof key === 'number') writer.uint(key);
    else if (key instanceof Uint8Array) writer.bytes(key);
    else throw new CborError('cbor-unencodable', `no encoding for a map key of type ${typeof key}`);
    if (previous !== undefined && compareMapKeys(previous, key) === 0) {
      throw new CborError('cbor-unencodable', 'map holds one key twice');
    }
    previous = key;
    writeValue(writer, value, depth);
  }
}

function compareMapKeys(a: CborKey, b: CborKey): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareKeys(a, b);
  throw new CborError('cbor-unencodable', 'map keys must be all unsigned integers or all byte strings');
}

function readValue(reader: CborReader, depth: number): CborValue {
  switch (reader.peekType()) {
    case 'uint':
    case 'negative':
      return reader.readInt();
    case 'bytes':
      return new Uint8Array(reader.readBytes());
    case 'text':
      return reader.readText();
    case 'array':
      reader.requireDepth(depth);
      return readArray(reader, depth - 1);
    case 'map':
      reader.requireDepth(depth);
      return readMap(reader, depth - 1);
  }
}

function readArray(reader: CborReader, depth: number): CborValue[] {
  const items: CborValue[] = [];
  for (let left = reader.readArrayHeader(); left > 0; left--) items.push(readValue(reader, depth));
  return items;
}

function readMap(reader: CborReader, depth: number): CborMap {
  const map = new Map<CborKey, CborValue>();
  let left = reader.readMapHeader();
  if (left > 0 && reader.peekType() === 'bytes') {
    for (let previous: Uint8Array | undefined; left > 0; left--) {
      previous = reader.readBytesKey(previous);
      map.set(new Uint8Array(previous), readValue(reader, depth));
    }
    return map;
  }
  for (let previous = -1; left > 0; left--) {
    previous = reader.readIntegerKey(previous);
    map.set(previous, readValue(reader, depth));
  }
  return map;
}
