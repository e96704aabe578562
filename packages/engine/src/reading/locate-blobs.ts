/**
 * Finds where wanted blobs stand: one pass over the index objects, keeping only what is wanted. What none of them lists
 * is looked for in the trailers of the snapshot's packs.
 */
import { freeBytes } from '@keephold/bytes';
import { containsPackId, type PackIdList } from '@keephold/protocol';
import { BlobLocations } from './blob-locations.ts';
import type { IdTable } from './id-table.ts';
import { type IndexStreamOptions, readIndexObjects } from './index-stream.ts';
import type { UnlistedPacks } from './unlisted-packs.ts';

export interface LocateBlobsOptions extends IndexStreamOptions {
  readonly wanted: IdTable;
  /** Places in these packs come first; undefined: no place is better than another. */
  readonly refset: PackIdList | undefined;
  readonly unlisted: UnlistedPacks;
  /** What snapshots may need, for who has no refset. */
  readonly possible: () => Promise<PackIdList>;
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
  if (!hasAll(locations, wanted)) await addUnlisted(options, locations);
  return locations;
}

function hasAll(locations: BlobLocations, wanted: IdTable): boolean {
  for (let id = 0; id < wanted.size; id++) if (locations.firstPlace(id) === undefined) return false;
  return true;
}

async function addUnlisted(
  { unlisted, kind, refset, possible }: LocateBlobsOptions,
  locations: BlobLocations,
): Promise<void> {
  const packs = await unlisted.of(refset ?? (await possible()));
  for await (const { pack, author } of unlisted.read(packs, { kind })) {
    locations.addPack(pack, { author, preferred: true });
    freeBytes(pack.contents.blobs);
  }
}
