/**
 * Reads tree and list blobs. The meta index of a snapshot's packs is loaded once; blobs that fail there are looked for
 * in all other packs, and in the trailers of packs that no index lists, before they are given up.
 */
import { freeBytes } from '@keephold/bytes';
import { type BlobId, containsPackId, type PackIdList, unionPackIds } from '@keephold/protocol';
import { DamagedError, MissingDataError } from '../errors.ts';
import { BlobLocations, type BlobPlace } from './blob-locations.ts';
import type { Blob, BlobReader } from './blob-reader.ts';
import { type IndexStreamOptions, readIndexObjects } from './index-stream.ts';
import type { UnlistedPacks } from './unlisted-packs.ts';

export interface MetaReaderOptions {
  readonly index: Omit<IndexStreamOptions, 'kind'>;
  readonly blobs: BlobReader;
  readonly unlisted: UnlistedPacks;
  /** What snapshots may need, for who reads without a refset. */
  readonly possible: () => Promise<PackIdList>;
}

export class MetaReader {
  readonly #options: MetaReaderOptions;
  readonly #locations = new BlobLocations();
  readonly #included = new Set<number>();
  readonly #refsets: PackIdList[] = [];
  #all: Promise<void> | undefined;
  /** Of the refsets included when it began. */
  #unlisted: { readonly refsets: number; readonly loaded: Promise<void> } | undefined;
  #including: Promise<void> = Promise.resolve();

  constructor(options: MetaReaderOptions) {
    this.#options = options;
  }

  /** Loads the index of the packs in a refset. `seq` tells refsets apart, so that each is loaded once. */
  async include(seq: number, refset: PackIdList): Promise<void> {
    if (this.#included.has(seq)) return;
    const load = this.#including.then(() => this.#load((packId) => containsPackId(refset, packId), true));
    this.#including = load.catch(() => undefined);
    await load;
    this.#included.add(seq);
    this.#refsets.push(refset);
  }

  /** Whether the index that is loaded lists the blob. */
  has(id: BlobId): boolean {
    return this.#locations.has(id);
  }

  /**
   * A tree or list blob, its id recomputed.
   * @throws MissingDataError, DamagedError
   */
  async read(id: BlobId): Promise<Blob> {
    const tried: BlobPlace[] = [];
    let failure: unknown;
    for (const load of [undefined, () => this.#loadAll(), () => this.#loadUnlisted()]) {
      await load?.();
      const places = this.#locations.places(id).filter((place) => !tried.some((other) => isSamePlace(place, other)));
      if (places.length === 0) continue;
      try {
        return await this.#options.blobs.read(id, places);
      } catch (error) {
        if (!(error instanceof DamagedError || error instanceof MissingDataError)) throw error;
        failure ??= error;
        tried.push(...places);
      }
    }
    if (failure !== undefined) throw failure;
    return await this.#options.blobs.read(id, []);
  }

  /** Packs outside of the refsets loaded. */
  async #loadAll(): Promise<void> {
    this.#all ??= this.#load(() => true, false).catch((error: unknown) => {
      this.#all = undefined;
      throw error;
    });
    await this.#all;
  }

  /** Packs of the refsets that no index lists. */
  async #loadUnlisted(): Promise<void> {
    if (this.#unlisted?.refsets !== this.#refsets.length) {
      const refsets = this.#refsets.length;
      const loaded = this.#addUnlisted();
      this.#unlisted = { refsets, loaded };
    }
    await this.#unlisted.loaded;
  }

  async #addUnlisted(): Promise<void> {
    const { unlisted, possible } = this.#options;
    const refsets = this.#refsets.length === 0 ? await possible() : this.#refsets.reduce(unionPackIds);
    const packs = await unlisted.of(refsets);
    for await (const { pack, author } of unlisted.read(packs, { kind: 'meta' })) {
      this.#locations.addPack(pack, { author, preferred: true });
      freeBytes(pack.contents.blobs);
    }
  }

  async #load(isWanted: (packId: Uint8Array) => boolean, preferred: boolean): Promise<void> {
    for await (const { entry, packs } of readIndexObjects({ ...this.#options.index, kind: 'meta' })) {
      for (const pack of packs) {
        if (isWanted(pack.packId)) this.#locations.addPack(pack, { author: entry.deviceId, preferred });
        freeBytes(pack.contents.blobs);
      }
    }
  }
}

function isSamePlace(a: BlobPlace, b: BlobPlace): boolean {
  return a.pack === b.pack && a.frame === b.frame && a.offset === b.offset;
}
