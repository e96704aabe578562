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

export const PAGE_BYTES = 65_536;
export const TAG_BYTES = 16;
export const SEALED_PAGE_BYTES = PAGE_BYTES + TAG_BYTES;

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

/** nonce = 0⁴ ‖ page number as u64 big-endian. */
export function writePageNonce(nonce: Uint8Array, page: number): void {
  nonce[8] = page >>> 24;
  nonce[9] = page >>> 16;
  nonce[10] = page >>> 8;
  nonce[11] = page;
}

/** The two HMAC pads of a 32-byte key (RFC 2104). */
export function hmacPads(key: Uint8Array): { readonly inner: Uint8Array; readonly outer: Uint8Array } {
  if (key.length !== 32) throw new RangeError(`blob id key: expected 32 bytes, got ${key.length}`);
  const inner = new Uint8Array(64).fill(0x36);
  const outer = new Uint8Array(64).fill(0x5c);
  for (let i = 0; i < 32; i++) {
    inner[i]! ^= key[i]!;
    outer[i]! ^= key[i]!;
  }
  return { inner, outer };
}
