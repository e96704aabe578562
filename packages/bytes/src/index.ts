/** Byte arrays, their text forms, deterministic CBOR and the sizes of format.md. Runs anywhere, depends on nothing. */

export { fromBase64Url, toBase64Url } from './base64url.ts';
export {
  type CborKey,
  type CborMap,
  type CborValue,
  type DecodeCborOptions,
  decodeCbor,
  encodeCbor,
  readCborValue,
  writeCborValue,
} from './cbor.ts';
export { CborReader, type CborType, MAX_CBOR_DEPTH } from './cbor-reader.ts';
export { CborWriter } from './cbor-writer.ts';
export { compareBytes, equalBytes } from './compare-bytes.ts';
export { concatBytes } from './concat-bytes.ts';
export { BytesError, CborError, type CborErrorCode, EncodingError, OutOfRangeError } from './errors.ts';
export { freeBytes } from './free-bytes.ts';
export { fromHex, toHex } from './hex.ts';
export { readU32, readU64, u32be, u32le, writeU32, writeU64 } from './integers.ts';
export { sealedSize } from './sealed-size.ts';
export { fullPages, isAllowedPageCount, ladderPages, type PackKind, packPageCounts } from './size-ladder.ts';
export { utf8Decode, utf8Encode } from './utf8.ts';
