/** AES-256-GCM by Node's OpenSSL. Its one-shot cipher objects are several times cheaper than WebCrypto for small input. */

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { freeBytes } from '@keephold/bytes';
import type * as contract from '#primitives/aes-gcm';

const CIPHER = 'aes-256-gcm';
const TAG = 16;
/** Each call makes an array of its own for what it answers: a long plaintext goes in pieces, freed one by one. */
const PIECE: number = 1024 * 1024;

export const sealAesGcm: typeof contract.sealAesGcm = async ({ key, nonce, aad, plaintext }) => {
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG });
  cipher.setAAD(aad);
  const sealed = new Uint8Array(plaintext.length + TAG);
  for (let at = 0; at < plaintext.length; at += PIECE) {
    const piece = cipher.update(plaintext.subarray(at, at + PIECE));
    sealed.set(piece, at);
    freeBytes(piece);
  }
  cipher.final();
  sealed.set(cipher.getAuthTag(), plaintext.length);
  return sealed;
};

export const openAesGcm: typeof contract.openAesGcm = async ({ key, nonce, aad, sealed }) => {
  if (sealed.length < TAG) return undefined;
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
  const plaintext = decipher.update(sealed.subarray(0, sealed.length - TAG));
  try {
    decipher.final();
  } catch {
    plaintext.fill(0);
    return undefined;
  }
  return new Uint8Array(plaintext.buffer as ArrayBuffer, plaintext.byteOffset, plaintext.length);
};
