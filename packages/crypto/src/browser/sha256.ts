/** SHA-256 by noble, because WebCrypto's is asynchronous and cannot be fed in parts. */

import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import type * as contract from '#primitives/sha256';

export const sha256: typeof contract.sha256 = (...parts) => {
  const hasher = nobleSha256.create();
  for (const part of parts) hasher.update(part);
  return new Uint8Array(hasher.digest());
};

export const createSha256: typeof contract.createSha256 = () => {
  const hasher = nobleSha256.create();
  return {
    update(bytes) {
      hasher.update(bytes);
      return this;
    },
    digest: () => new Uint8Array(hasher.digest()),
  };
};
