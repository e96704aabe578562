/** Bulk crypto by node:crypto alone: slower, for platforms where OpenSSL cannot be called directly. */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import type { BlobToName, BulkCrypto } from './bulk-contract.ts';
import { hmacPads, PAGE_BYTES, SEALED_PAGE_BYTES, writePageNonce } from './page-layout.ts';

export function createPortableBulk(idKey: Uint8Array): BulkCrypto {
  const pads = hmacPads(idKey);
  const nonce = new Uint8Array(12);
  const kinds = [1, 2, 3].map((kind) => new Uint8Array([kind]));
  const name = ({ kind, pieces, id }: BlobToName): void => {
    const inner = createHash('sha256')
      .update(pads.inner)
      .update(kinds[kind - 1]!);
    for (const piece of pieces) inner.update(piece);
    id.set(createHash('sha256').update(pads.outer).update(inner.digest()).digest());
  };
  return {
    sha256(bytes, out) {
      out.set(createHash('sha256').update(bytes).digest());
    },
    beginSha256(bytes, out, onDone) {
      out.set(createHash('sha256').update(bytes).digest());
      onDone();
    },
    endSha256() {},
    blobId(kind, plaintext, out) {
      name({ kind, pieces: [plaintext], id: out });
    },
    blobIds(blobs) {
      for (const blob of blobs) name(blob);
    },
    sealPages(packKey, area, first, count) {
      for (let i = 0; i < count; i++) {
        const at = i * SEALED_PAGE_BYTES;
        writePageNonce(nonce, first + i);
        const cipher = createCipheriv('aes-256-gcm', packKey, nonce);
        area.set(cipher.update(area.subarray(at, at + PAGE_BYTES)), at);
        cipher.final();
        area.set(cipher.getAuthTag(), at + PAGE_BYTES);
      }
    },
    openPages(packKey, area, first, count) {
      for (let i = 0; i < count; i++) {
        const at = i * SEALED_PAGE_BYTES;
        writePageNonce(nonce, first + i);
        const cipher = createDecipheriv('aes-256-gcm', packKey, nonce);
        const plain = cipher.update(area.subarray(at, at + PAGE_BYTES));
        cipher.setAuthTag(area.subarray(at + PAGE_BYTES, at + SEALED_PAGE_BYTES));
        try {
          cipher.final();
        } catch {
          return i;
        }
        area.set(plain, at);
      }
      return count;
    },
  };
}
