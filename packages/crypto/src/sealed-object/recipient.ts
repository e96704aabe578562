/**
 * Sealed objects of key kind 2 (format.md §5): a random key K wrapped with HPKE to an X-Wing public key. Base mode
 * does not say who sealed: an object that no signed record names must be refused by the caller.
 */

import { concatBytes } from '@keephold/bytes';
import { sha256 } from '#primitives/sha256';
import { IntegrityError, InvalidKeyError } from '../errors.ts';
import { hedgedSalt } from '../hedged-salt.ts';
import { KEY_LENGTH, type RandomSource, requireLength, type XWingSeed } from '../keys.ts';
import { type Label, label } from '../label.ts';
import { X_WING_PUBLIC_LENGTH } from '../x-wing.ts';
import { openEnvelope, requirePlace, requireSealable, saltOf, sealEnvelope } from './envelope.ts';
import {
  ENC_LENGTH,
  encodeObjectHeader,
  HEADER_LENGTH,
  OBJECT_TYPE,
  type ObjectPlace,
  PREFIX_LENGTH,
  WRAPPED_LENGTH,
} from './layout.ts';

const KEY_KIND = 2;
const COINS = 64;
const ENC_END = PREFIX_LENGTH + ENC_LENGTH;

/** Types that are sealed to a recipient. */
export type RecipientObjectType = 0x03 | 0x11 | 0x33 | 0x34 | 0x35;

const INFO_LABELS: Readonly<Record<RecipientObjectType, Label>> = {
  [OBJECT_TYPE.session]: 'hpke/session',
  [OBJECT_TYPE.grant]: 'hpke/grant',
  [OBJECT_TYPE.contactShare]: 'hpke/contact',
  [OBJECT_TYPE.shareGrant]: 'hpke/share',
  [OBJECT_TYPE.legacyPacket]: 'hpke/legacy',
};

export interface RecipientObjectPlace extends ObjectPlace {
  readonly type: RecipientObjectType;
}

export interface SealToRecipientOptions extends RecipientObjectPlace {
  /** X-Wing public key, 1,216 bytes. */
  readonly recipient: Uint8Array;
  readonly payload: Uint8Array;
  readonly random: RandomSource;
}

/**
 * Seals a payload to a recipient; the result's name is its SHA-256 (`objectName`).
 * @throws InvalidKeyError when the recipient's key is none, MalformedObjectError when it would exceed 16 MiB.
 */
export async function sealToRecipient(options: SealToRecipientOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { payload, random } = options;
  requireSealable(payload, KEY_KIND);
  const salt = hedgedSalt(random(KEY_LENGTH), sha256(payload));
  return sealWrapped({ ...options, salt, key: random(KEY_LENGTH), coins: random(COINS) });
}

export interface SealWrappedOptions extends RecipientObjectPlace {
  readonly recipient: Uint8Array;
  readonly payload: Uint8Array;
  readonly salt: Uint8Array;
  /** K. */
  readonly key: Uint8Array;
  readonly coins: Uint8Array;
}

/** `sealToRecipient` with everything random already drawn; known-answer tests start here. */
export async function sealWrapped(options: SealWrappedOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { recipient, salt, key, coins, payload } = options;
  requireLength('recipient key', recipient, X_WING_PUBLIC_LENGTH);
  const header = encodeObjectHeader(options, KEY_KIND);
  const { hpkeSeal } = await import('../hpke/x-wing-suite.ts');
  const info = concatBytes(label(INFO_LABELS[options.type]), header);
  const wrapped = await hpkeSeal({ publicKey: recipient, info, aad: salt, plaintext: key, coins }).catch((cause) => {
    throw new InvalidKeyError('seal object: the recipient key is not valid', { cause });
  });
  return sealEnvelope({ header, salt, key, wrapping: concatBytes(wrapped.enc, wrapped.ciphertext), payload });
}

export interface OpenAsRecipientOptions {
  readonly bytes: Uint8Array;
  /** What a signed record says about the object; anything else is refused. */
  readonly expect: RecipientObjectPlace;
  readonly seed: XWingSeed;
}

/**
 * Returns the payload.
 * @throws MalformedObjectError, DowngradeError or IntegrityError; never gives a part.
 */
export async function openAsRecipient(options: OpenAsRecipientOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { bytes, expect, seed } = options;
  requireLength('X-Wing seed', seed, KEY_LENGTH);
  requirePlace(bytes, KEY_KIND, expect);
  const key = await unwrapKey(bytes, expect.type, seed);
  try {
    return await openEnvelope(bytes, KEY_KIND, key);
  } finally {
    key.fill(0);
  }
}

async function unwrapKey(bytes: Uint8Array, type: RecipientObjectType, seed: XWingSeed): Promise<Uint8Array> {
  const { hpkeOpen } = await import('../hpke/x-wing-suite.ts');
  const options = {
    seed,
    enc: bytes.subarray(PREFIX_LENGTH, ENC_END),
    info: concatBytes(label(INFO_LABELS[type]), bytes.subarray(0, HEADER_LENGTH)),
    aad: saltOf(bytes),
    ciphertext: bytes.subarray(ENC_END, ENC_END + WRAPPED_LENGTH),
  };
  return hpkeOpen(options).catch((cause) => {
    throw new IntegrityError('integrity-tag', 'open object: for another recipient, or altered', { cause });
  });
}
