/**
 * Bulk work on pages and blobs for Node's worker threads: blob ids, pack names, sealing and opening of pages, all in
 * place and without allocation. Uses the OpenSSL inside Node directly where it can be called, else node:crypto; both
 * pass the same tests. Must never see a path, a name or a password.
 *
 * Layout of a page area (format.md §4): page i stands at i × 65,552: 65,536 bytes, then its 16-byte tag.
 */
import type { NativeLibrary } from '@keephold/ffi';
import type { BulkCrypto } from './bulk-contract.ts';
import { createNativeBulk } from './bulk-native.ts';
import { createPortableBulk } from './bulk-portable.ts';

export type { BlobToName, BulkCrypto } from './bulk-contract.ts';
export { PAGE_BYTES, SEALED_PAGE_BYTES } from './page-layout.ts';

export interface BulkOptions {
  readonly idKey: Uint8Array;
  /** Undefined: node:crypto only. */
  readonly native: NativeLibrary | undefined;
}

export function createBulkCrypto(options: BulkOptions): BulkCrypto {
  const native = options.native === undefined ? undefined : createNativeBulk(options.idKey, options.native);
  return native ?? createPortableBulk(options.idKey);
}
