/** Names blobs, asks whether they are known, and packs the new ones. One per thread; not aware of files. */
import type { BulkCrypto } from '@keephold/crypto/bulk';
import type { BlobKind } from '../../pack-contents.ts';
import { type KnownBlobs, NEW_BLOB } from '../known-blobs/known-blobs.ts';
import type { FramePacker } from '../packing/frame-packer.ts';

export class BlobStore {
  readonly #bulk: BulkCrypto;
  readonly #packer: FramePacker;
  #known: KnownBlobs;
  readonly #kind: BlobKind;
  /** Id of the last blob; valid until the next call. */
  readonly id: Uint8Array = new Uint8Array(32);

  constructor(parts: {
    readonly bulk: BulkCrypto;
    readonly packer: FramePacker;
    readonly known: KnownBlobs;
    readonly kind: BlobKind;
  }) {
    this.#bulk = parts.bulk;
    this.#packer = parts.packer;
    this.#known = parts.known;
    this.#kind = parts.kind;
  }

  /** Record number of the last blob when it was NEW_BLOB or THIS_RUN. */
  get record(): number {
    return this.#known.record;
  }

  /** Uses another table from now on (after a commit). */
  renew(known: KnownBlobs): void {
    this.#known.close();
    this.#known = known;
  }

  /** Where to read a small blob (under 256 KiB) to: one byte more than `length`. Then storeRead. */
  space(length: number): Uint8Array {
    return this.#packer.groupSpace(length);
  }

  /** Stores what was read into `space`; answers the pack number of an old blob, THIS_RUN or NEW_BLOB. */
  storeRead(bytes: Uint8Array, kind: BlobKind = this.#kind): number {
    this.#bulk.blobId(kind, bytes, this.id);
    const found = this.#known.findOrClaim(this.id);
    if (found === NEW_BLOB) this.#packer.addGroupBlob(this.id, bytes.length, kind, this.#known.record);
    return found;
  }

  /** Stores a blob from anywhere in memory. */
  store(bytes: Uint8Array, kind: BlobKind = this.#kind): number {
    this.#bulk.blobId(kind, bytes, this.id);
    const found = this.#known.findOrClaim(this.id);
    if (found === NEW_BLOB) this.#packer.addBlob(this.id, bytes, kind, this.#known.record);
    return found;
  }
}
