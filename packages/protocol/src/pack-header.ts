/**
 * Codec of the 96-byte pack header (format.md §4). It is public: the keeper checks it at ingest, readers rebuild it
 * from their index and compare. It must never accept a byte that format.md does not name, because the header is
 * bound into the pack key and two spellings would be two packs.
 *
 * ```
 * 0   4  "KHPK"     4  1 version = 1    5  1 kind: 1 data, 2 meta    6  1 suite = 1    7  1 zero
 * 8  16  vaultId   24 16 sessionId     40  4 pageCount u32          44 20 zero        64 32 packSalt
 * ```
 */
import { equalBytes, isAllowedPageCount, type PackKind, readU32, utf8Encode, writeU32 } from '@keephold/bytes';
import { MalformedRecordError } from './errors.ts';
import { asSessionId, asVaultId } from './id-from-bytes.ts';
import type { SessionId, VaultId } from './ids.ts';

export const PACK_HEADER_LENGTH = 96;
/** Plaintext bytes of one page. */
export const PAGE_LENGTH = 65_536;
/** A page with its AES-GCM tag. */
export const SEALED_PAGE_LENGTH = 65_552;
const PACK_SALT_LENGTH = 32;

const MAGIC = utf8Encode('KHPK');
const VERSION = 1;
const SUITE = 1;
const ZEROS = new Uint8Array(20);

export interface PackHeader {
  readonly kind: PackKind;
  readonly vaultId: VaultId;
  readonly sessionId: SessionId;
  /** On the ladder of its kind. */
  readonly pageCount: number;
  /** 32 bytes. */
  readonly packSalt: Uint8Array;
}

/** Bytes of a whole pack file: header and pages. */
export function packLength(pageCount: number): number {
  return PACK_HEADER_LENGTH + pageCount * SEALED_PAGE_LENGTH;
}

/** @throws MalformedRecordError when a field is out of its range: such a header must never be written. */
export function encodePackHeader(header: PackHeader): Uint8Array<ArrayBuffer> {
  const { kind, pageCount } = header;
  if (kind !== 1 && kind !== 2) throw malformed(`kind ${String(kind)}`);
  if (!isAllowedPageCount(kind, pageCount)) throw malformed(`${pageCount} pages are not on the ladder of kind ${kind}`);
  const bytes = new Uint8Array(PACK_HEADER_LENGTH);
  bytes.set(MAGIC, 0);
  bytes[4] = VERSION;
  bytes[5] = kind;
  bytes[6] = SUITE;
  putExact(bytes, 8, header.vaultId, 16, 'vault id');
  putExact(bytes, 24, header.sessionId, 16, 'session id');
  writeU32(bytes, 40, pageCount);
  putExact(bytes, 64, header.packSalt, PACK_SALT_LENGTH, 'pack salt');
  return bytes;
}

/**
 * Reads the header at the start of `bytes` (which may be the whole pack). The fields are copies.
 * @throws MalformedRecordError on anything but a header that `encodePackHeader` would have written.
 */
export function parsePackHeader(bytes: Uint8Array): PackHeader {
  if (bytes.length < PACK_HEADER_LENGTH) throw malformed(`${bytes.length} bytes are too few`);
  if (!equalBytes(bytes.subarray(0, 4), MAGIC)) throw malformed('it does not start with KHPK');
  if (bytes[4] !== VERSION) throw malformed(`version ${bytes[4]} is not known here`);
  if (bytes[6] !== SUITE) throw malformed(`suite ${bytes[6]} is not known here`);
  if (bytes[7] !== 0 || !equalBytes(bytes.subarray(44, 64), ZEROS)) throw malformed('a reserved byte is not zero');
  const kind = bytes[5];
  if (kind !== 1 && kind !== 2) throw malformed(`kind ${kind}`);
  const pageCount = readU32(bytes, 40);
  if (!isAllowedPageCount(kind, pageCount)) throw malformed(`${pageCount} pages are not on the ladder of kind ${kind}`);
  return {
    kind,
    vaultId: asVaultId(new Uint8Array(bytes.subarray(8, 24))),
    sessionId: asSessionId(new Uint8Array(bytes.subarray(24, 40))),
    pageCount,
    packSalt: new Uint8Array(bytes.subarray(64, 96)),
  };
}

function putExact(target: Uint8Array, offset: number, value: Uint8Array, length: number, what: string): void {
  if (value.length !== length) throw malformed(`${what} of ${value.length} bytes`);
  target.set(value, offset);
}

function malformed(cause: string): MalformedRecordError {
  return new MalformedRecordError(`read pack header: ${cause}`);
}
