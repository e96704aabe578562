/** SHA-256 by Node's OpenSSL. */

import { createHash, hash } from 'node:crypto';
import type * as contract from '#primitives/sha256';

// Up to here one call over a joined copy beats making a hash object; above, copying costs more.
const JOIN_LIMIT = 16_384;

export const sha256: typeof contract.sha256 = (...parts) => {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return plain(hash('sha256', only, 'buffer'));
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length <= JOIN_LIMIT) return plain(hash('sha256', joined(parts, length), 'buffer'));
  const hasher = createHash('sha256');
  for (const part of parts) hasher.update(part);
  return plain(hasher.digest());
};

export const createSha256: typeof contract.createSha256 = () => {
  const hasher = createHash('sha256');
  return {
    update(bytes) {
      hasher.update(bytes);
      return this;
    },
    digest: () => plain(hasher.digest()),
  };
};

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Copied out of Buffer, whose slice shares memory where that of Uint8Array copies. */
function plain(digest: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(digest);
}
