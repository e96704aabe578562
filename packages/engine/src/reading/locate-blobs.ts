/** Finds where wanted blobs stand: one pass over the index objects, keeping only what is wanted. */
import { freeBytes } from '@keephold/bytes';
import { containsPackId, type PackIdList } from '@keephold/protocol';
import { BlobLocations } from './blob-locations.ts';
import type { IdTable } from './id-table.ts';
import { type IndexStreamOptions, readIndexObjects } from './index-stream.ts';

export interface LocateBlobsOptions extends IndexStreamOptions {
  readonly wanted: IdTable;
  /** Places in these packs come first; undefined: no place is better than another. */
  readonly refset: PackIdList | undefined;
}

/** All places of the wanted blobs. What has none is simply not there: the caller decides what that means. */
export async function locateBlobs(options: LocateBlobsOptions): Promise<BlobLocations> {
  const { wanted, refset } = options;
  const locations = new BlobLocations(wanted);
  if (wanted.size === 0) return locations;
  for await (const { entry, packs } of readIndexObjects(options)) {
    for (const pack of packs) {
      const preferred = refset === undefined || containsPackId(refset, pack.packId);
      locations.addPack(pack, { author: entry.deviceId, preferred });
      freeBytes(pack.contents.blobs);
    }
  }
  return locations;
}
