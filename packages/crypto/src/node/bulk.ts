/**
 * Bulk work on pages and blobs for Node's worker threads: blob ids, pack names, sealing and opening of pages, all in
 * place and without allocation. Uses the OpenSSL inside Node directly where it can be called, else node:crypto; both
 * pass the same tests. Must never see a path, a name or a password.
 *
 * Layout of a page area (format.md §4): page i stands at i × 65,552: 65,536 bytes, then its 16-byte tag.
 */
import type { NativeLibrary } from '@keephold/ffi';
import { createNativeBulk } from './bulk-native.ts';
import { createPortableBulk } from './bulk-portable.ts';

export { PAGE_BYTES, SEALED_PAGE_BYTES } from './page-layout.ts';

export interface BulkCrypto {
  /** SHA-256 of `bytes` into `out` (32). */
  sha256(bytes: Uint8Array, out: Uint8Array): void;
  /** HMAC-SHA256(idKey, kind ‖ plaintext) into `out` (32), format.md §1. */
  blobId(kind: 1 | 2 | 3, plaintext: Uint8Array, out: Uint8Array): void;
  /** Seals `count` pages in place; page numbers start at `first`. */
  sealPages(packKey: Uint8Array, area: Uint8Array, first: number, count: number): void;
  /** Opens `count` pages in place; answers how many opened before the first whose tag is wrong. */
  openPages(packKey: Uint8Array, area: Uint8Array, first: number, count: number): number;
}

export interface BulkOptions {
  readonly idKey: Uint8Array;
  /** Undefined: node:crypto only. */
  readonly native: NativeLibrary | undefined;
}

export function createBulkCrypto(options: BulkOptions): BulkCrypto {
  const native = options.native === undefined ? undefined : createNativeBulk(options.idKey, options.native);
  return native ?? createPortableBulk(options.idKey);
}
