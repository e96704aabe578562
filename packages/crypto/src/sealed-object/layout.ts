/**
 * Layout of sealed objects (format.md §5):
 *
 *   0   4 "KHSO"  4 version = 1  5 objectType  6 suite = 1  7 keyKind (1 symmetric, 2 HPKE)
 *   8  16 contextId             24 epoch u32                28 0 u32
 *   32 32 salt                  64 32 keyCheck
 *   96    keyKind 2 only: HPKE enc 1,120 ‖ wrapped key 48
 *   …     ciphertext ‖ tag 16; the ciphertext has one of the padded lengths
 *
 * Pure layout: whether any of it is genuine shows only when the object is opened.
 */

import { readU32, sealedSize, writeU32 } from '@keephold/bytes';
import { DowngradeError, InvalidKeyError, MalformedObjectError } from '../errors.ts';
import { ID_LENGTH, requireLength } from '../keys.ts';

export const HEADER_LENGTH = 32;
export const SALT_LENGTH = 32;
export const PREFIX_LENGTH = 96;
export const ENC_LENGTH = 1120;
export const WRAPPED_LENGTH = 48;
export const TAG_LENGTH = 16;
export const LENGTH_FIELD = 4;
/** No sealed object is longer: 16 MiB. */
export const MAX_OBJECT_LENGTH: number = 16 * 1024 * 1024;

const MAGIC: readonly number[] = [0x4b, 0x48, 0x53, 0x4f];
const VERSION = 1;
const SUITE = 1;
const SMALLEST_PLAINTEXT = 256;

/** Object types of security.md §3.1. */
export const OBJECT_TYPE = {
  keyring: 0x01,
  slot: 0x02,
  grant: 0x03,
  dataIndex: 0x10,
  session: 0x11,
  metaIndex: 0x12,
  snapshot: 0x20,
  linkManifest: 0x32,
  contactShare: 0x33,
  shareGrant: 0x34,
  legacyPacket: 0x35,
  names: 0x40,
  auditDetail: 0x41,
  factor: 0x50,
} as const;

export type ObjectType = (typeof OBJECT_TYPE)[keyof typeof OBJECT_TYPE];

/** 1 symmetric, 2 HPKE to a recipient. */
export type KeyKind = 1 | 2;

/** Where an object belongs; what context and epoch mean depends on the type (security.md §3.1). */
export interface ObjectPlace {
  readonly type: ObjectType;
  /** 16 bytes. */
  readonly contextId: Uint8Array;
  /** u32. */
  readonly epoch: number;
}

export interface ObjectHeader {
  /** As it stands in the object; may be a type this version does not know. */
  readonly type: number;
  readonly keyKind: KeyKind;
  /** 16 bytes, a view of the object. */
  readonly contextId: Uint8Array;
  readonly epoch: number;
}

/**
 * Reads the header and checks the whole layout: magic, zero fields, a length that can be.
 * @throws MalformedObjectError, or DowngradeError for a version or suite other than 1.
 */
export function parseObjectHeader(bytes: Uint8Array): ObjectHeader {
  if (bytes.length < PREFIX_LENGTH || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new MalformedObjectError(`read object: no sealed object (${bytes.length} bytes)`);
  }
  if (bytes[4] !== VERSION)
    throw new DowngradeError('downgrade-version', `read object: version ${bytes[4]}, must be 1`);
  if (bytes[6] !== SUITE) throw new DowngradeError('downgrade-suite', `read object: suite ${bytes[6]}, must be 1`);
  const keyKind = bytes[7];
  if (keyKind !== 1 && keyKind !== 2) throw new MalformedObjectError(`read object: key kind ${keyKind}`);
  if (readU32(bytes, 28) !== 0) throw new MalformedObjectError('read object: reserved field is not zero');
  requirePossibleLength(bytes.length, keyKind);
  return { type: bytes[5] as number, keyKind, contextId: bytes.subarray(8, 24), epoch: readU32(bytes, 24) };
}

/** The 32 bytes that are bound to key and ciphertext. */
export function encodeObjectHeader(place: ObjectPlace, keyKind: KeyKind): Uint8Array<ArrayBuffer> {
  requireLength('context id', place.contextId, ID_LENGTH);
  if (!Number.isInteger(place.epoch) || place.epoch < 0 || place.epoch > 0xffffffff) {
    throw new InvalidKeyError(`seal object: epoch ${place.epoch} is no u32`);
  }
  const header = new Uint8Array(HEADER_LENGTH);
  header.set(MAGIC);
  header.set([VERSION, place.type, SUITE, keyKind], 4);
  header.set(place.contextId, 8);
  writeU32(header, 24, place.epoch);
  return header;
}

/** Where the ciphertext starts. */
export function ciphertextOffset(keyKind: KeyKind): number {
  return keyKind === 1 ? PREFIX_LENGTH : PREFIX_LENGTH + ENC_LENGTH + WRAPPED_LENGTH;
}

function requirePossibleLength(length: number, keyKind: KeyKind): void {
  const plaintext = length - ciphertextOffset(keyKind) - TAG_LENGTH;
  const possible = plaintext >= SMALLEST_PLAINTEXT && sealedSize(plaintext - LENGTH_FIELD) === plaintext;
  if (!possible || length > MAX_OBJECT_LENGTH)
    throw new MalformedObjectError(`read object: ${length} bytes, no possible length`);
}
