/** AES-256-GCM by WebCrypto. */

import type * as contract from '#primitives/aes-gcm';

const TAG = 16;

export const sealAesGcm: typeof contract.sealAesGcm = async ({ key, nonce, aad, plaintext }) => {
  const imported = await importKey(key, 'encrypt');
  return new Uint8Array(await crypto.subtle.encrypt(parameters(nonce, aad), imported, owned(plaintext)));
};

export const openAesGcm: typeof contract.openAesGcm = async ({ key, nonce, aad, sealed }) => {
  if (sealed.length < TAG) return undefined;
  const imported = await importKey(key, 'decrypt');
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters(nonce, aad), imported, owned(sealed)));
  } catch (error) {
    // OperationError is what a wrong tag gives (Web Cryptography API §29.4.2); anything else is a fault of ours.
    if (error instanceof DOMException && error.name === 'OperationError') return undefined;
    throw error;
  }
};

function importKey(key: Uint8Array, usage: KeyUsage): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', owned(key), 'AES-GCM', false, [usage]);
}

function parameters(nonce: Uint8Array, aad: Uint8Array): AesGcmParams {
  return { name: 'AES-GCM', iv: owned(nonce), additionalData: owned(aad), tagLength: TAG * 8 };
}

/** WebCrypto refuses views of shared memory; those are copied, others used as they are. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
