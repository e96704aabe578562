/**
 * Turns new blobs into frames and frames into packs (format.md §3, §4). Blobs gather in a group, into which callers
 * read small ones directly; what is long or cannot be compressed becomes a frame of its own. One per thread.
 */
import type { PackKind } from '@keephold/bytes';
import type { BulkCrypto } from '@keephold/crypto/bulk';
import { copyBytes } from '@keephold/ffi';
import type { PackId } from '@keephold/protocol';
import type { BlobKind } from '../../pack-contents.ts';
import type { Zstd } from '../zstd.ts';
import { FrameGroup, type GroupLengths } from './frame-group.ts';
import { FramePool, type PooledFrame } from './frame-pool.ts';
import {
  type FrameBlobs,
  framesOf,
  type OpenPack,
  PackBuilder,
  type PackIdentity,
  type SealedPack,
} from './pack-builder.ts';

const KIB = 1024;
const MIB: number = 1024 * 1024;
/** A blob this long is read apart and looked at before it joins a group. */
export const LARGE_BLOB_BYTES: number = 256 * KIB;
/** Meta packs are a quarter of the size, and so are the frames that wait for them. */
const LAYOUTS: Readonly<Record<PackKind, PackLayout>> = {
  // Longer groups save 2 to 3 % of databases and dumps, and reading one page decompresses as much more (ADR 8).
  1: { group: { least: MIB, most: 2 * MIB, capacity: 2.5 * MIB }, joinBytes: 2 * MIB, poolBytes: 10 * MIB },
  2: { group: { least: MIB, most: MIB, capacity: 1.25 * MIB }, joinBytes: LARGE_BLOB_BYTES, poolBytes: 3 * MIB },
};
/** Compressed frames that save less than this share are stored raw: reading them back is faster. */
const WORTHWHILE = 0.97;
/** Frames start to wait when this share of what can wait is left of the pack: then there is more to choose from than fits. */
const POOLED_ROOM = 0.5;
const SAMPLE_BYTES: number = 8 * KIB;

interface PackLayout {
  readonly group: GroupLengths;
  /** Blobs under this length share frames with others. */
  readonly joinBytes: number;
  /** Bytes of frames that wait while a pack gets full; the longest frame at least, for it is made there. */
  readonly poolBytes: number;
}

export interface FramePackerOptions {
  readonly kind: PackKind;
  readonly bulk: BulkCrypto;
  readonly zstd: Zstd;
  readonly level: number;
  readonly identity: () => PackIdentity;
  readonly random: (length: number) => Uint8Array;
  /** Gives an area for the next pack, waiting for one if need be. */
  readonly takeArea: () => Uint8Array;
  /** Gives one that is free. With it a pack may keep its area until it is named beside the blobs that come next. */
  readonly tryTakeArea?: (() => Uint8Array | undefined) | undefined;
  /** Takes a sealed pack; its area belongs to the receiver from here on. */
  readonly onPack: (pack: SealedPack, area: Uint8Array) => void;
}

export class FramePacker {
  readonly #options: FramePackerOptions;
  readonly #sample = new Uint8Array(SAMPLE_BYTES);
  readonly #group: FrameGroup;
  readonly #joinBytes: number;
  readonly #pool: FramePool;
  #builder: PackBuilder | undefined;
  /** Stored bytes of all frames so far, for progress. */
  storedBytes = 0;

  constructor(options: FramePackerOptions) {
    this.#options = options;
    const layout = LAYOUTS[options.kind];
    this.#group = new FrameGroup(layout.group);
    this.#joinBytes = layout.joinBytes;
    this.#pool = new FramePool(layout.poolBytes);
  }

  /** Room for one small blob, plus a byte to see whether a file is longer than it said. Read into it, then addGroupBlob. */
  groupSpace(length: number): Uint8Array {
    if (!this.#group.hasRoom(length)) this.#closeGroup();
    return this.#group.space(length);
  }

  /** Keeps the first `length` bytes of the last groupSpace as a blob. */
  addGroupBlob(id: Uint8Array, length: number, kind: BlobKind, record: number): void {
    this.#group.add(id, length, kind, record);
    if (this.#group.isFull) this.#closeGroup();
  }

  /** Adds a blob from the caller's memory: into the group, or as its own frame when long or incompressible. */
  addBlob(id: Uint8Array, bytes: Uint8Array, kind: BlobKind, record: number): void {
    const compressible = this.#looksCompressible(bytes);
    if (bytes.length < LARGE_BLOB_BYTES || (compressible && bytes.length < this.#joinBytes)) {
      copyBytes(this.groupSpace(bytes.length), bytes);
      this.addGroupBlob(id, bytes.length, kind, record);
      return;
    }
    const blobs = { ids: id, lengths: [bytes.length], records: [record], kinds: [kind], count: 1 };
    this.#addFrame(bytes, blobs, compressible);
  }

  /** Ends the group and hands out the open pack unsealed, for another packer to take over; undefined when empty. */
  releaseOpen(): OpenPack | undefined {
    this.#closeGroup();
    this.#emptyPool();
    this.settle();
    const builder = this.#builder;
    this.#builder = undefined;
    return builder === undefined || builder.isEmpty ? undefined : builder.open;
  }

  /** Takes over the frames of another packer's open pack. */
  takeOver(open: OpenPack): void {
    this.#closeGroup();
    for (const { stored, blobs, ...frame } of framesOf(open, (length) => this.#space(length)))
      this.#place(stored, frame, blobs);
  }

  /** Names the pack that is sealed, if there is one that has no name yet. */
  settle(): void {
    this.#options.bulk.endSha256();
  }

  /** Seals what is open as the short pack of its commit. */
  finish(): void {
    this.#closeGroup();
    this.#emptyPool();
    if (this.#builder !== undefined && !this.#builder.isEmpty) this.#seal('short');
    this.settle();
  }

  #closeGroup(): void {
    if (this.#group.isEmpty) return;
    const { bytes, blobs } = this.#group.take();
    this.#addFrame(bytes, blobs, this.#looksCompressible(bytes));
  }

  #addFrame(bytes: Uint8Array, blobs: FrameBlobs, compressible: boolean): void {
    const stored = (compressible ? this.#compress(bytes) : undefined) ?? bytes;
    this.storedBytes += stored.length;
    this.#place(stored, { rawLength: bytes.length, compressed: stored !== bytes }, blobs);
  }

  /** Where a frame of up to `length` bytes is made: where it waits, should it have to. */
  #space(length: number): Uint8Array {
    while (!this.#pool.hasRoom(length)) this.#fillFromPool();
    return this.#pool.space(length);
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
      builder.room > this.#pool.reach(builder) * POOLED_ROOM
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

  /** Undefined when it saves too little. */
  #compress(bytes: Uint8Array): Uint8Array | undefined {
    const room = Math.floor(bytes.length * WORTHWHILE);
    if (room < 1) return undefined;
    const space = this.#space(room);
    const length = this.#options.zstd.compress(bytes, space, this.#options.level);
    return length === 0 ? undefined : space.subarray(0, length);
  }

  /** A first look: two samples of a long frame, compressed as fast as it goes. Photos and videos stop here. */
  #looksCompressible(bytes: Uint8Array): boolean {
    if (bytes.length < LARGE_BLOB_BYTES) return true;
    for (const part of [0.3, 0.8]) {
      const from = Math.floor(bytes.length * part);
      const sample = bytes.subarray(from, from + SAMPLE_BYTES);
      const room = Math.floor(sample.length * WORTHWHILE);
      if (this.#options.zstd.compress(sample, this.#sample.subarray(0, room), 1) !== 0) return true;
    }
    return false;
  }

  #open(): PackBuilder {
    this.#builder ??= new PackBuilder(this.#options.kind, this.#nextArea());
    return this.#builder;
  }

  #nextArea(): Uint8Array {
    const free = this.#options.tryTakeArea?.();
    if (free !== undefined) return free;
    // None may ever be free while the last pack keeps its own.
    this.settle();
    return this.#options.takeArea();
  }

  #seal(size: 'full' | 'short'): void {
    const builder = this.#builder!;
    this.#builder = undefined;
    const { bulk, identity, random, onPack } = this.#options;
    const pack = builder.seal(identity(), bulk, random(32), size);
    const packId = new Uint8Array(32) as PackId;
    bulk.beginSha256(builder.area.subarray(0, pack.length), packId, () => onPack({ ...pack, packId }, builder.area));
    if (this.#options.tryTakeArea === undefined) this.settle();
  }
}
