/** Ed25519 verification by Node's OpenSSL: S < L is checked, R compared by its bytes, no cofactor. */

import { createPublicKey, verify } from 'node:crypto';
import type * as contract from '#primitives/ed25519-verify';

// SubjectPublicKeyInfo of an Ed25519 key up to the key itself (RFC 8410 §4).
const SPKI_PREFIX = Uint8Array.from([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]);

export const verifyEd25519: typeof contract.verifyEd25519 = ({ publicKey, message, signature }) => {
  const der = Buffer.concat([SPKI_PREFIX, publicKey]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return verify(null, message, key, signature);
};
