/** Sealed objects of key kind 1: under a key that writer and reader share (format.md §5). */

import { sha256 } from '#primitives/sha256';
import { hedgedSalt } from '../hedged-salt.ts';
import { KEY_LENGTH, type RandomSource, requireLength, type SealingKey } from '../keys.ts';
import { openEnvelope, requirePlace, requireSealable, sealEnvelope } from './envelope.ts';
import { encodeObjectHeader, type ObjectPlace } from './layout.ts';

const KEY_KIND = 1;
const NO_WRAPPING = new Uint8Array(0);

export interface SealObjectOptions extends ObjectPlace {
  readonly key: SealingKey;
  readonly payload: Uint8Array;
  readonly random: RandomSource;
}

/**
 * Seals a payload; the result's name is its SHA-256 (`objectName`).
 * @throws MalformedObjectError when it would exceed 16 MiB.
 */
export async function sealObject(options: SealObjectOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { key, payload, random } = options;
  requireLength('sealing key', key, KEY_LENGTH);
  requireSealable(payload, KEY_KIND);
  const header = encodeObjectHeader(options, KEY_KIND);
  const salt = hedgedSalt(random(KEY_LENGTH), sha256(payload));
  return sealEnvelope({ header, salt, key, wrapping: NO_WRAPPING, payload });
}

export interface OpenObjectOptions {
  readonly bytes: Uint8Array;
  /** What a signed record says about the object; anything else is refused. */
  readonly expect: ObjectPlace;
  readonly key: SealingKey;
}

/**
 * Returns the payload.
 * @throws MalformedObjectError, DowngradeError or IntegrityError; never gives a part.
 */
export async function openObject(options: OpenObjectOptions): Promise<Uint8Array<ArrayBuffer>> {
  requireLength('sealing key', options.key, KEY_LENGTH);
  requirePlace(options.bytes, KEY_KIND, options.expect);
  return openEnvelope(options.bytes, KEY_KIND, options.key);
}
