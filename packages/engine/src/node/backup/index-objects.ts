/** Seals lists of packs as index objects (format.md §5) and stores them. Until a commit names them nobody reads them. */
import { freeBytes, type PackKind } from '@keephold/bytes';
import { objectName } from '@keephold/crypto';
import type { ObjectName } from '@keephold/protocol';
import type { IndexedPack } from '../../index-object.ts';
import { blobCount } from '../../pack-contents.ts';
import { sealIndexObject } from '../sealed-index.ts';
import type { BackupOptions, WriterKeys } from './options.ts';

/** A pack with more stands alone; the format allows 65,536. */
export const BLOBS_PER_INDEX = 16_384;

export interface IndexPlace extends Pick<BackupOptions, 'random'> {
  readonly custody: Pick<BackupOptions['custody'], 'putObject'>;
  readonly keys: Pick<WriterKeys, 'vaultId' | 'indexKeys' | 'epoch'>;
}

export interface StoredIndexes {
  readonly names: readonly ObjectName[];
  readonly bytes: number;
}

/** The rows of the packs are freed once they are stored. */
export async function storeIndexObjects(where: IndexPlace, packs: readonly IndexedPack[]): Promise<StoredIndexes> {
  const { custody, keys, random } = where;
  const names: ObjectName[] = [];
  let bytes = 0;
  const kinds: readonly PackKind[] = [1, 2];
  for (const kind of kinds) {
    for (const group of groupPacks(packs.filter((pack) => pack.kind === kind))) {
      const object = await sealIndexObject(group, { keys, random });
      for (const { contents } of group) freeBytes(contents.blobs);
      const name = objectName(object) as ObjectName;
      await custody.putObject(keys.vaultId, name, object);
      names.push(name);
      bytes += object.length;
      freeBytes(object);
    }
  }
  return { names, bytes };
}

/** Each pack stands whole in one index object. Small ones: sealing takes several times their size in memory. */
function groupPacks(packs: readonly IndexedPack[]): readonly (readonly IndexedPack[])[] {
  const groups: IndexedPack[][] = [];
  let blobs = Number.POSITIVE_INFINITY;
  for (const pack of packs) {
    const count = blobCount(pack.contents);
    if (blobs + count > BLOBS_PER_INDEX) {
      groups.push([]);
      blobs = 0;
    }
    groups.at(-1)!.push(pack);
    blobs += count;
  }
  return groups;
}
