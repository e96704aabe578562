/**
 * Pages of a pack (format.md §4), one at a time, on any platform:
 * page i = AES-256-GCM(packKey, nonce = 0⁴ ‖ i as u64 big-endian, no aad, 65,536 bytes) ‖ tag 16.
 * The pack key is single-use through the salt in the header, so the counter nonce never repeats; nobody may seal two
 * different pages of one pack under one index. Bulk work on Node goes through `crypto/bulk`.
 */

import { u32be } from '@keephold/bytes';
import { openAesGcm, sealAesGcm } from '#primitives/aes-gcm';
import { IntegrityError, InvalidKeyError, MalformedObjectError } from './errors.ts';
import { expandKey } from './expand.ts';
import { type PackKey, requireLength, type SessionKey } from './keys.ts';
import { label } from './label.ts';

export const PACK_HEADER_LENGTH = 96;
export const PAGE_LENGTH = 65_536;
export const SEALED_PAGE_LENGTH = 65_552;

const NO_AAD = new Uint8Array(0);

/** Key of a pack, bound to its whole 96-byte header: any change of that makes every page fail. */
export function packKey(session: SessionKey, header: Uint8Array): PackKey {
  requireLength('pack header', header, PACK_HEADER_LENGTH);
  return expandKey('PackKey', session, label('pack'), header);
}

export interface SealPageOptions {
  readonly key: PackKey;
  /** From 0. */
  readonly index: number;
  /** 65,536 bytes. */
  readonly page: Uint8Array;
}

/** Returns 65,552 bytes: ciphertext ‖ tag. */
export async function sealPage(options: SealPageOptions): Promise<Uint8Array<ArrayBuffer>> {
  requireLength('page', options.page, PAGE_LENGTH);
  return sealAesGcm({ key: options.key, nonce: pageNonce(options.index), aad: NO_AAD, plaintext: options.page });
}

export interface OpenPageOptions {
  readonly key: PackKey;
  /** From 0. */
  readonly index: number;
  /** 65,552 bytes. */
  readonly sealed: Uint8Array;
}

/**
 * Returns the 65,536 bytes of plaintext.
 * @throws MalformedObjectError on a wrong length, IntegrityError when the page is not what was sealed at this place.
 */
export async function openPage(options: OpenPageOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { key, index, sealed } = options;
  if (sealed.length !== SEALED_PAGE_LENGTH) {
    throw new MalformedObjectError(`open page ${index}: ${sealed.length} bytes, must be ${SEALED_PAGE_LENGTH}`);
  }
  const page = await openAesGcm({ key, nonce: pageNonce(index), aad: NO_AAD, sealed });
  if (page === undefined) throw new IntegrityError('integrity-tag', `open page ${index}: altered, or of another pack`);
  return page;
}

function pageNonce(index: number): Uint8Array {
  if (!Number.isInteger(index) || index < 0 || index > 0xffffffff) {
    throw new InvalidKeyError(`number page: ${index} is no page index`);
  }
  const nonce = new Uint8Array(12);
  nonce.set(u32be(index), 8);
  return nonce;
}
