/**
 * Recipient keys: X-Wing (ML-KEM-768 and X25519) from a 32-byte seed. The library is loaded on first use, because
 * most runs of the command never open an object sealed to a recipient.
 */

import type { RandomSource, XWingSeed } from './keys.ts';
import { requireLength } from './keys.ts';
import { randomKey } from './random-key.ts';

export const X_WING_PUBLIC_LENGTH = 1216;

export interface XWingKeyPair {
  /** The private key. */
  readonly seed: XWingSeed;
  /** 1,216 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

export function generateXWing(random: RandomSource): Promise<XWingKeyPair> {
  return xWingFromSeed(randomKey('XWingSeed', random));
}

export async function xWingFromSeed(seed: XWingSeed): Promise<XWingKeyPair> {
  requireLength('X-Wing seed', seed, 32);
  const { publicKeyOf } = await import('./hpke/x-wing-suite.ts');
  return { seed, publicKey: await publicKeyOf(seed) };
}
