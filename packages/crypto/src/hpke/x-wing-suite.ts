/**
 * HPKE base mode (RFC 9180) with KEM 0x647A X-Wing, KDF 0x0001 HKDF-SHA256, AEAD 0x0002 AES-256-GCM, single-shot.
 * The only file that names the HPKE library; imported dynamically, never from an entry point.
 */

import { Aes256Gcm, CipherSuite, HkdfSha256 } from '@hpke/core';
import { XWing } from '@hpke/hybridkem-x-wing';

const kem = new XWing();
const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });

export interface HpkeSealOptions {
  /** 1,216 bytes. */
  readonly publicKey: Uint8Array;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
  /** 64 random bytes for the encapsulation. */
  readonly coins: Uint8Array;
}

export interface HpkeSealed {
  /** 1,120 bytes. */
  readonly enc: Uint8Array<ArrayBuffer>;
  /** plaintext length + 16. */
  readonly ciphertext: Uint8Array<ArrayBuffer>;
}

/** Fails when the public key is none. */
export async function hpkeSeal(options: HpkeSealOptions): Promise<HpkeSealed> {
  const recipientPublicKey = await kem.deserializePublicKey(buffer(options.publicKey));
  const params = { recipientPublicKey, info: buffer(options.info), ekm: buffer(options.coins) };
  const { enc, ct } = await suite.seal(params, buffer(options.plaintext), buffer(options.aad));
  return { enc: new Uint8Array(enc), ciphertext: new Uint8Array(ct) };
}

export interface HpkeOpenOptions {
  /** 32 bytes. */
  readonly seed: Uint8Array;
  readonly enc: Uint8Array;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** Fails when anything was altered or meant for another recipient. */
export async function hpkeOpen(options: HpkeOpenOptions): Promise<Uint8Array<ArrayBuffer>> {
  const recipientKey = await kem.deserializePrivateKey(buffer(options.seed));
  const params = { recipientKey, enc: buffer(options.enc), info: buffer(options.info) };
  return new Uint8Array(await suite.open(params, buffer(options.ciphertext), buffer(options.aad)));
}

/** 1,216 bytes: ML-KEM-768 1,184 ‖ X25519 32. */
export async function publicKeyOf(seed: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const { publicKey } = await kem.generateKeyPairDerand(new Uint8Array(seed));
  return new Uint8Array(await kem.serializePublicKey(publicKey));
}

/** A buffer of its own: the library takes whole buffers, and ours are often views. */
function buffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
