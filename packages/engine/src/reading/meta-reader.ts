/**
 * Reads tree and list blobs. The meta index of a snapshot's packs is loaded once; blobs that fail there are looked for
 * in all other packs before they are given up.
 */
import { freeBytes } from '@keephold/bytes';
import { type BlobId, containsPackId, type PackIdList } from '@keephold/protocol';
import { DamagedError, MissingDataError } from '../errors.ts';
import { BlobLocations, type BlobPlace } from './blob-locations.ts';
import type { Blob, BlobReader } from './blob-reader.ts';
import { type IndexStreamOptions, readIndexObjects } from './index-stream.ts';

export interface MetaReaderOptions {
  readonly index: Omit<IndexStreamOptions, 'kind'>;
  readonly blobs: BlobReader;
}

export class MetaReader {
  readonly #options: MetaReaderOptions;
  readonly #locations = new BlobLocations();
  readonly #included = new Set<number>();
  #all: Promise<void> | undefined;
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
    const places = this.#locations.places(id);
    try {
      if (places.length > 0) return await this.#options.blobs.read(id, places);
    } catch (error) {
      if (!(error instanceof DamagedError || error instanceof MissingDataError)) throw error;
      const others = await this.#otherPlaces(id, places);
      if (others.length === 0) throw error;
      return await this.#options.blobs.read(id, others);
    }
    return await this.#options.blobs.read(id, await this.#otherPlaces(id, places));
  }

  /** Places outside of the refsets loaded. */
  async #otherPlaces(id: BlobId, tried: readonly BlobPlace[]): Promise<readonly BlobPlace[]> {
    this.#all ??= this.#load(() => true, false).catch((error: unknown) => {
      this.#all = undefined;
      throw error;
    });
    await this.#all;
    return this.#locations.places(id).filter((place) => !tried.some((other) => isSamePlace(place, other)));
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
