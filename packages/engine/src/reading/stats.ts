/** How much each snapshot needs and how much of that it alone needs, from refsets and the sizes in the index. */
import { packIdAt, packIdCount, packLength } from '@keephold/protocol';
import { SnapshotStat } from '../snapshot.ts';
import { IdTable } from './id-table.ts';
import type { Repository } from './repository.ts';
import type { Snapshot } from './snapshot-reader.ts';

export interface SnapshotSizes {
  readonly snapshot: Snapshot;
  /** Of its files, where the snapshot says so. */
  readonly files: number | bigint | undefined;
  readonly bytes: number | bigint | undefined;
  /** Packs it needs, and their bytes as stored. */
  readonly packs: number;
  readonly packBytes: number;
  /** Bytes of packs that no other snapshot needs: what forgetting it would free. */
  readonly uniquePackBytes: number;
}

export interface RepositorySizes {
  readonly snapshots: readonly SnapshotSizes[];
  /** What all of them need together. */
  readonly packs: number;
  readonly packBytes: number;
  /** Packs that a refset has and no index lists: their sizes are not known here. */
  readonly unlistedPacks: number;
}

/** Marks a pack that several snapshots need. */
const SHARED = -1;

export async function stats({ repository }: { readonly repository: Repository }): Promise<RepositorySizes> {
  const sizes = await packSizes(repository);
  const snapshots = await repository.snapshots();
  const owners = new Map<number, number>();
  const needs: { packs: number; bytes: number }[] = [];
  for (const [index, snapshot] of snapshots.entries()) {
    const refset = await repository.refset(snapshot);
    let bytes = 0;
    for (let i = 0; i < packIdCount(refset); i++) {
      const pack = sizes.packs.add(packIdAt(refset, i));
      bytes += sizes.bytes[pack] ?? 0;
      owners.set(pack, owners.has(pack) ? SHARED : index);
    }
    needs.push({ packs: packIdCount(refset), bytes });
  }
  const unique = uniqueBytes(owners, sizes.bytes);
  return {
    snapshots: snapshots.map((snapshot, index) => ({
      snapshot,
      files: snapshot.stats.get(SnapshotStat.files),
      bytes: snapshot.stats.get(SnapshotStat.bytes),
      packs: needs[index]?.packs ?? 0,
      packBytes: needs[index]?.bytes ?? 0,
      uniquePackBytes: unique.get(index) ?? 0,
    })),
    packs: owners.size,
    packBytes: [...unique.values()].reduce((sum, bytes) => sum + bytes, 0),
    unlistedPacks: [...owners.keys()].filter((pack) => sizes.bytes[pack] === undefined).length,
  };
}

/** Bytes of every pack that an index lists, by its number in the table. */
async function packSizes(repository: Repository): Promise<{ readonly packs: IdTable; readonly bytes: number[] }> {
  const packs = new IdTable();
  const bytes: number[] = [];
  for await (const object of repository.indexObjects('all')) {
    for (const { packId, pageCount } of object.packs) bytes[packs.add(packId)] = packLength(pageCount);
  }
  return { packs, bytes };
}

/** By snapshot number, and under SHARED what several need. */
function uniqueBytes(owners: ReadonlyMap<number, number>, bytes: readonly number[]): ReadonlyMap<number, number> {
  const unique = new Map<number, number>();
  for (const [pack, owner] of owners) unique.set(owner, (unique.get(owner) ?? 0) + (bytes[pack] ?? 0));
  return unique;
}
