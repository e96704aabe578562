/**
 * Turns new blobs into frames and frames into packs (format.md §3, §4). Small blobs gather in a group buffer, into
 * which callers read directly; large ones become frames of their own. One per thread.
 */
import type { PackKind } from '@keephold/bytes';
import type { BulkCrypto } from '@keephold/crypto/bulk';
import { copyBytes } from '@keephold/ffi';
import type { BlobKind } from '../../pack-contents.ts';
import type { Zstd } from '../zstd.ts';
import { FramePool, type PooledFrame } from './frame-pool.ts';
import { type FrameBlobs, type OpenPack, PackBuilder, type PackIdentity, type SealedPack } from './pack-builder.ts';

/** A blob this long is a frame of its own. */
export const LARGE_BLOB_BYTES: number = 256 * 1024;
/** A group is closed at the first blob that takes it here. */
const GROUP_BYTES: number = 1024 * 1024;
const GROUP_CAPACITY: number = GROUP_BYTES + LARGE_BLOB_BYTES;
/** Compressed frames that save less than this share are stored raw: reading them back is faster. */
const WORTHWHILE = 0.97;
/** Frames that wait while a pack gets full. */
const POOL_BYTES: number = 8 * 1024 * 1024;
/** They start to wait when this share of the pool is left of the pack: then there is more to choose from than fits. */
const POOLED_ROOM = 0.5;
const SAMPLE_BYTES = 8 * 1024;
const MAX_FRAME_BYTES: number = 4 * 1024 * 1024 + 64 * 1024;

export interface FramePackerOptions {
  readonly kind: PackKind;
  readonly bulk: BulkCrypto;
  readonly zstd: Zstd;
  readonly level: number;
  readonly identity: () => PackIdentity;
  readonly random: (length: number) => Uint8Array;
  /** Gives an area for the next pack, waiting for one if need be. */
  readonly takeArea: () => Uint8Array;
  /** Takes a sealed pack; its area belongs to the receiver from here on. */
  readonly onPack: (pack: SealedPack, area: Uint8Array) => void;
}

export class FramePacker {
  readonly #options: FramePackerOptions;
  readonly #group = new Uint8Array(GROUP_CAPACITY);
  readonly #scratch = new Uint8Array(MAX_FRAME_BYTES);
  readonly #pool: FramePool;
  readonly #ids = new Uint8Array(4096 * 32);
  readonly #lengths = new Uint32Array(4096);
  readonly #records = new Uint32Array(4096);
  readonly #kinds = new Uint8Array(4096);
  #groupLength = 0;
  #groupBlobs = 0;
  #builder: PackBuilder | undefined;
  /** Stored bytes of all frames so far, for progress. */
  storedBytes = 0;

  constructor(options: FramePackerOptions) {
    this.#options = options;
    // Meta packs are a quarter of the size, and so are their frames together.
    this.#pool = new FramePool(options.kind === 1 ? POOL_BYTES : POOL_BYTES / 4);
  }

  /** Room for one small blob, plus a byte to see whether a file is longer than it said. Read into it, then addGroupBlob. */
  groupSpace(length: number): Uint8Array {
    if (this.#groupLength + length >= GROUP_CAPACITY || this.#groupBlobs === 4096) this.#closeGroup();
    return this.#group.subarray(this.#groupLength, this.#groupLength + length + 1);
  }

  /** Keeps the first `length` bytes of the last groupSpace as a blob. */
  addGroupBlob(id: Uint8Array, length: number, kind: BlobKind, record: number): void {
    this.#ids.set(id, this.#groupBlobs * 32);
    this.#lengths[this.#groupBlobs] = length;
    this.#records[this.#groupBlobs] = record;
    this.#kinds[this.#groupBlobs] = kind;
    this.#groupBlobs++;
    this.#groupLength += length;
    if (this.#groupLength >= GROUP_BYTES) this.#closeGroup();
  }

  /** Adds a blob from the caller's memory: into the group when small, as its own frame when large. */
  addBlob(id: Uint8Array, bytes: Uint8Array, kind: BlobKind, record: number): void {
    if (bytes.length < LARGE_BLOB_BYTES) {
      copyBytes(this.groupSpace(bytes.length), bytes);
      this.addGroupBlob(id, bytes.length, kind, record);
      return;
    }
    this.#addFrame(bytes, { ids: id, lengths: [bytes.length], records: [record], kinds: [kind], count: 1 });
  }

  /** Ends the group and hands out the open pack unsealed, for another packer to take over; undefined when empty. */
  releaseOpen(): OpenPack | undefined {
    this.#closeGroup();
    this.#emptyPool();
    const builder = this.#builder;
    this.#builder = undefined;
    return builder === undefined || builder.isEmpty ? undefined : builder.open;
  }

  /** Takes over the frames of another packer's open pack. */
  takeOver(open: OpenPack): void {
    this.#closeGroup();
    this.#emptyPool();
    const frames = open.frameRows.length / 16;
    let next = 0;
    while (next < frames) {
      next = this.#open().takeFrames(open, next);
      if (next < frames) this.#seal('full');
    }
  }

  /** Seals what is open as the short pack of its commit. */
  finish(): void {
    this.#closeGroup();
    this.#emptyPool();
    if (this.#builder !== undefined && !this.#builder.isEmpty) this.#seal('short');
  }

  #closeGroup(): void {
    if (this.#groupBlobs === 0) return;
    const blobs: FrameBlobs = {
      ids: this.#ids,
      lengths: this.#lengths,
      records: this.#records,
      kinds: this.#kinds,
      count: this.#groupBlobs,
    };
    const bytes = this.#group.subarray(0, this.#groupLength);
    this.#groupLength = 0;
    this.#groupBlobs = 0;
    this.#addFrame(bytes, blobs);
  }

  #addFrame(bytes: Uint8Array, blobs: FrameBlobs): void {
    const length = this.#looksCompressible(bytes) ? this.#compress(bytes) : 0;
    const stored = length === 0 ? bytes : this.#scratch.subarray(0, length);
    this.storedBytes += stored.length;
    this.#place(stored, { rawLength: bytes.length, compressed: length !== 0 }, blobs);
  }

  /** Straight into the open pack while that is far from full; then frames wait for the best choice among them. */
  #place(
    stored: Uint8Array,
    frame: { readonly rawLength: number; readonly compressed: boolean },
    blobs: FrameBlobs,
  ): void {
    const builder = this.#open();
    if (
      this.#pool.isEmpty &&
      builder.fits(stored.length, blobs.count) &&
      builder.room > this.#pool.capacity * POOLED_ROOM
    ) {
      return builder.addFrame(stored, frame, blobs);
    }
    while (!this.#pool.hasRoom(stored.length)) {
      this.#fillFromPool();
      if (this.#pool.isEmpty) return this.#place(stored, frame, blobs);
    }
    this.#pool.add(stored, frame, blobs);
  }

  /** Completes the open pack with the frames that fill it best; the rest begins the next. */
  #fillFromPool(): void {
    for (const frame of this.#pool.takeBest(this.#open().room)) this.#addPooled(frame);
    const rest = this.#pool.takeAll();
    // Everything fitted: the pack is not full yet.
    if (rest.length === 0) return;
    this.#seal('full');
    for (const frame of rest) this.#addPooled(frame);
  }

  #emptyPool(): void {
    while (!this.#pool.isEmpty) {
      const room = this.#open().room;
      const all = this.#pool.takeBest(room);
      for (const frame of all) this.#addPooled(frame);
      if (!this.#pool.isEmpty) this.#seal('full');
    }
    this.#pool.takeAll();
  }

  #addPooled(frame: PooledFrame): void {
    if (!this.#open().fits(frame.stored.length, frame.blobs.count)) this.#seal('full');
    this.#open().addFrame(frame.stored, frame, frame.blobs);
  }

  #compress(bytes: Uint8Array): number {
    const room = Math.floor(bytes.length * WORTHWHILE);
    return room < 1 ? 0 : this.#options.zstd.compress(bytes, this.#scratch.subarray(0, room), this.#options.level);
  }

  /** A first look: two samples of a long frame, compressed as fast as it goes. Photos and videos stop here. */
  #looksCompressible(bytes: Uint8Array): boolean {
    if (bytes.length < LARGE_BLOB_BYTES) return true;
    for (const part of [0.3, 0.8]) {
      const from = Math.floor(bytes.length * part);
      const sample = bytes.subarray(from, from + SAMPLE_BYTES);
      const room = Math.floor(sample.length * WORTHWHILE);
      if (this.#options.zstd.compress(sample, this.#scratch.subarray(0, room), 1) !== 0) return true;
    }
    return false;
  }

  #open(): PackBuilder {
    this.#builder ??= new PackBuilder(this.#options.kind, this.#options.takeArea());
    return this.#builder;
  }

  #seal(size: 'full' | 'short'): void {
    const builder = this.#builder!;
    this.#builder = undefined;
    const pack = builder.seal(this.#options.identity(), this.#options.bulk, this.#options.random(32), size);
    this.#options.onPack(pack, builder.area);
  }
}
