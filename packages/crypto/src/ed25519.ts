/** Signing keys of devices and identities: Ed25519 (RFC 8032) from a 32-byte seed. */

import { ed25519PublicKey, signEd25519 } from '#primitives/ed25519-sign';
import type { Ed25519Seed, RandomSource } from './keys.ts';
import { randomKey } from './random-key.ts';

export interface Ed25519KeyPair {
  /** The private key. */
  readonly seed: Ed25519Seed;
  /** 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

export function generateEd25519(random: RandomSource): Ed25519KeyPair {
  return ed25519FromSeed(randomKey('Ed25519Seed', random));
}

export function ed25519FromSeed(seed: Ed25519Seed): Ed25519KeyPair {
  return { seed, publicKey: ed25519PublicKey(seed) };
}

/** Signature of 64 bytes; `message` starts with a label. */
export function sign(seed: Ed25519Seed, message: Uint8Array): Uint8Array<ArrayBuffer> {
  return signEd25519(seed, message);
}
