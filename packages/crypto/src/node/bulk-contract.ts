/** A blob that is to be named: its plaintext in one or more pieces, and where its id goes (32 bytes). */
export interface BlobToName {
  readonly kind: 1 | 2 | 3;
  readonly pieces: readonly Uint8Array[];
  readonly id: Uint8Array;
}

/** What both ways of doing bulk crypto offer; bulk.ts chooses one. */
export interface BulkCrypto {
  /** SHA-256 of `bytes` into `out` (32). */
  sha256(bytes: Uint8Array, out: Uint8Array): void;
  /**
   * Begins the SHA-256 of `bytes` into `out`, which may go on beside the blobs named meanwhile; the bytes stay as they
   * are until `onDone` is called. One at a time: what was begun before is completed.
   */
  beginSha256(bytes: Uint8Array, out: Uint8Array, onDone: () => void): void;
  /** Completes what was begun, if anything is left of it. */
  endSha256(): void;
  /** HMAC-SHA256(idKey, kind ‖ plaintext) into `out` (32), format.md §1. */
  blobId(kind: 1 | 2 | 3, plaintext: Uint8Array, out: Uint8Array): void;
  /** As blobId, of many blobs: two at a time where the processor gains by it. */
  blobIds(blobs: readonly BlobToName[]): void;
  /** Seals `count` pages in place; page numbers start at `first`. */
  sealPages(packKey: Uint8Array, area: Uint8Array, first: number, count: number): void;
  /** Opens `count` pages in place; answers how many opened before the first whose tag is wrong. */
  openPages(packKey: Uint8Array, area: Uint8Array, first: number, count: number): number;
}
