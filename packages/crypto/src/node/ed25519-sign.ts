/** Ed25519 keys and signatures by Node's OpenSSL. */

import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type * as contract from '#primitives/ed25519-sign';

// PKCS#8 of an Ed25519 key up to the seed itself (RFC 8410 §7).
const PKCS8_PREFIX = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
]);
const SPKI_PREFIX_LENGTH = 12;

export const ed25519PublicKey: typeof contract.ed25519PublicKey = (seed) => {
  const spki = createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(SPKI_PREFIX_LENGTH));
};

export const signEd25519: typeof contract.signEd25519 = (seed, message) =>
  new Uint8Array(sign(null, message, privateKey(seed)));

function privateKey(seed: Uint8Array): KeyObject {
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return key;
}
