/** Stores tree and list blobs, on the main thread: names them, leaves out known ones, packs the rest into meta packs. */
import { freeBytes } from '@keephold/bytes';
import { type BulkCrypto, createBulkCrypto } from '@keephold/crypto/bulk';
import { nativeLibrary } from '@keephold/ffi';
import type { BlobId } from '@keephold/protocol';
import { buildLists, type ListEntry } from '../../list-codec.ts';
import {
  CONTENT_ROW_BYTES,
  contentRowLength,
  type EncodedContent,
  encodeTrees,
  type NodeSequence,
} from '../../node-encoding.ts';
import { BlobKind } from '../../pack-contents.ts';
import { MAX_INLINE_PARTS } from '../../tree-codec.ts';
import { type KnownBlobs, NEW_BLOB } from '../known-blobs/known-blobs.ts';
import { FramePacker } from '../packing/frame-packer.ts';
import { type PackIdentity, packAreaBytes, type SealedPack } from '../packing/pack-builder.ts';
import { createZstd } from '../zstd.ts';
import { BlobStore } from './blob-store.ts';
import { RECORD_PLACE } from './file-results.ts';

/** The walk waits while trees are compressed, and level 4 makes them 0.3 % smaller. */
const MAX_LEVEL = 3;
const SPARE_AREAS = 1;

export interface StoredTree {
  readonly id: Uint8Array;
  /** BlobKind tree, or list when the directory is split. */
  readonly kind: number;
  /** Plaintext bytes of the tree blobs. */
  readonly bytes: number;
  readonly places: readonly number[];
}

export class TreeStore {
  readonly #packer: FramePacker;
  readonly #store: BlobStore;
  readonly #freeAreas: Uint8Array[] = [];
  /** Records of blobs that are in no sealed pack. */
  readonly #open = new Set<number>();

  constructor(parts: {
    readonly idKey: Uint8Array;
    readonly native: boolean;
    readonly level: number;
    readonly known: KnownBlobs;
    readonly identity: PackIdentity;
    readonly random: (length: number) => Uint8Array;
    readonly onPack: (pack: SealedPack, area: Uint8Array, release: () => void) => void;
  }) {
    const native = parts.native ? nativeLibrary() : undefined;
    const bulk: BulkCrypto = createBulkCrypto({ idKey: parts.idKey, native });
    this.#packer = new FramePacker({
      kind: 2,
      bulk,
      zstd: createZstd(native),
      level: Math.min(parts.level, MAX_LEVEL),
      identity: () => parts.identity,
      random: parts.random,
      takeArea: () => this.#freeAreas.pop() ?? new Uint8Array(packAreaBytes(2)),
      onPack: (pack, area) => {
        for (const record of pack.records) this.#open.delete(record);
        parts.onPack(pack, area, () => this.#release(area));
      },
    });
    this.#store = new BlobStore({ bulk, packer: this.#packer, known: parts.known, kind: BlobKind.tree });
  }

  get storedBytes(): number {
    return this.#packer.storedBytes;
  }

  /** Whether the blob of this record goes into the next pack that is sealed here. */
  hasOpen(record: number): boolean {
    return this.#open.has(record);
  }

  renew(known: KnownBlobs): void {
    this.#store.renew(known);
  }

  /** Stores the tree of a directory from its nodes. */
  storeTree(nodes: NodeSequence): StoredTree {
    const places: number[] = [];
    const leaves = encodeTrees(nodes).map((tree) => this.#leaf(tree, places));
    const bytes = leaves.reduce((sum, leaf) => sum + leaf.bytes, 0);
    if (leaves.length === 1) return { id: leaves[0]!.blob, kind: BlobKind.tree, bytes, places };
    const list = buildLists(BlobKind.tree, leaves, (encoded) => this.#blob(encoded, BlobKind.list, places));
    return { id: list.blob, kind: BlobKind.list, bytes, places };
  }

  /** Content of a file from rows of blobId ‖ length; adds where its lists are to `places`. */
  storeContent(rows: Uint8Array, places: number[]): EncodedContent | undefined {
    const count = rows.length / CONTENT_ROW_BYTES;
    if (count === 0) return undefined;
    if (count <= MAX_INLINE_PARTS) return { kind: 'parts', rows };
    const leaves: ListEntry[] = [];
    for (let at = 0; at < rows.length; at += CONTENT_ROW_BYTES) {
      leaves.push({ blob: rows.subarray(at, at + 32) as BlobId, bytes: contentRowLength(rows, at) });
    }
    return {
      kind: 'list',
      id: buildLists(BlobKind.data, leaves, (list) => this.#blob(list, BlobKind.list, places)).blob,
    };
  }

  /** Seals what is open. */
  finish(): void {
    this.#packer.finish();
  }

  /** One is filled while one is on its way; more are there only when the disk falls behind. */
  #release(area: Uint8Array): void {
    if (this.#freeAreas.length < SPARE_AREAS) this.#freeAreas.push(area);
    else freeBytes(area);
  }

  #leaf(tree: Uint8Array, places: number[]): ListEntry {
    return { blob: this.#blob(tree, BlobKind.tree, places), bytes: tree.length };
  }

  #blob(bytes: Uint8Array, kind: BlobKind, places: number[]): BlobId {
    const found = this.#store.store(bytes, kind);
    if (found === NEW_BLOB) this.#open.add(this.#store.record);
    places.push(found >= 0 ? found : (this.#store.record | RECORD_PLACE) >>> 0);
    return this.#store.id.slice() as BlobId;
  }
}
