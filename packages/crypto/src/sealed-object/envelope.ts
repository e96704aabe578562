/**
 * The part of sealed objects that both key kinds share: key commitment, padding and encryption under an object key K
 * (format.md §5). encKey ‖ keyCheck = Expand(K, LBL("seal") ‖ header ‖ salt, 64); the nonce may be zero because the
 * salt makes encKey single-use. keyCheck is compared before anything is decrypted.
 */

import { concatBytes, freeBytes, readU32, sealedSize, writeU32 } from '@keephold/bytes';
import { openAesGcm, sealAesGcm } from '#primitives/aes-gcm';
import { equalConstantTime } from '../equal-constant-time.ts';
import { IntegrityError, MalformedObjectError } from '../errors.ts';
import { expand } from '../expand.ts';
import { label } from '../label.ts';
import {
  ciphertextOffset,
  HEADER_LENGTH,
  type KeyKind,
  LENGTH_FIELD,
  MAX_OBJECT_LENGTH,
  type ObjectPlace,
  PREFIX_LENGTH,
  parseObjectHeader,
  SALT_LENGTH,
  TAG_LENGTH,
} from './layout.ts';

const NONCE = new Uint8Array(12);
const SALT_END = HEADER_LENGTH + SALT_LENGTH;

export interface EnvelopeOptions {
  /** 32 bytes. */
  readonly header: Uint8Array;
  /** 32 bytes, new for every object. */
  readonly salt: Uint8Array;
  /** K, 32 bytes. */
  readonly key: Uint8Array;
  /** enc ‖ wrapped K for key kind 2, empty for 1. */
  readonly wrapping: Uint8Array;
  readonly payload: Uint8Array;
}

/** The finished object. */
export async function sealEnvelope(options: EnvelopeOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { header, salt, wrapping } = options;
  const plaintext = pad(options.payload);
  const { encKey, keyCheck } = deriveSealKeys(options.key, header, salt);
  const sealed = await sealAesGcm({ key: encKey, nonce: NONCE, aad: header, plaintext });
  encKey.fill(0);
  freeBytes(plaintext);
  const object = concatBytes(header, salt, keyCheck, wrapping, sealed);
  freeBytes(sealed);
  return object;
}

/** @throws MalformedObjectError when the payload would make an object of more than 16 MiB. */
export function requireSealable(payload: Uint8Array, keyKind: KeyKind): void {
  const room = MAX_OBJECT_LENGTH - ciphertextOffset(keyKind) - TAG_LENGTH;
  if (payload.length > room || sealedSize(payload.length) > room) {
    throw new MalformedObjectError(`seal object: payload of ${payload.length} bytes is too long`);
  }
}

/**
 * Opens an object whose place was checked (`requirePlace`); returns the payload.
 * @throws IntegrityError when the key is another one, or anything was altered.
 */
export async function openEnvelope(
  bytes: Uint8Array,
  keyKind: KeyKind,
  key: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const header = bytes.subarray(0, HEADER_LENGTH);
  const { encKey, keyCheck } = deriveSealKeys(key, header, saltOf(bytes));
  if (!equalConstantTime(keyCheck, bytes.subarray(SALT_END, PREFIX_LENGTH))) {
    throw new IntegrityError('integrity-key-check', 'open object: wrong key, or altered');
  }
  const sealed = bytes.subarray(ciphertextOffset(keyKind));
  const plaintext = await openAesGcm({ key: encKey, nonce: NONCE, aad: header, sealed });
  encKey.fill(0);
  if (plaintext === undefined) throw new IntegrityError('integrity-tag', 'open object: altered');
  return unpad(plaintext);
}

/**
 * Checks layout, key kind and place of an object that is to be opened.
 * @throws MalformedObjectError, DowngradeError, or IntegrityError when the object belongs elsewhere.
 */
export function requirePlace(bytes: Uint8Array, keyKind: KeyKind, expect: ObjectPlace): void {
  const found = parseObjectHeader(bytes);
  if (found.keyKind !== keyKind) throw misplaced('key kind', found.keyKind, keyKind);
  if (found.type !== expect.type) throw misplaced('type', found.type, expect.type);
  if (found.epoch !== expect.epoch) throw misplaced('epoch', found.epoch, expect.epoch);
  if (!equalConstantTime(found.contextId, expect.contextId)) {
    throw new IntegrityError('integrity-place', 'open object: belongs to another context');
  }
}

export function saltOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(HEADER_LENGTH, SALT_END);
}

function misplaced(field: string, found: number, expected: number): IntegrityError {
  return new IntegrityError('integrity-place', `open object: ${field} ${found}, expected ${expected}`);
}

function deriveSealKeys(
  key: Uint8Array,
  header: Uint8Array,
  salt: Uint8Array,
): { encKey: Uint8Array; keyCheck: Uint8Array } {
  const derived = expand(key, concatBytes(label('seal'), header, salt), 64);
  return { encKey: derived.subarray(0, 32), keyCheck: derived.subarray(32) };
}

function pad(payload: Uint8Array): Uint8Array {
  const plaintext = new Uint8Array(sealedSize(payload.length));
  writeU32(plaintext, 0, payload.length);
  plaintext.set(payload, LENGTH_FIELD);
  return plaintext;
}

function unpad(plaintext: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const length = readU32(plaintext, 0);
  const end = LENGTH_FIELD + length;
  const exact = end <= plaintext.length && sealedSize(length) === plaintext.length;
  if (!exact || plaintext.subarray(end).some((byte) => byte !== 0)) {
    throw new IntegrityError('integrity-padding', 'open object: padding is not what a writer makes');
  }
  const payload = plaintext.slice(LENGTH_FIELD, end);
  freeBytes(plaintext);
  return payload;
}
