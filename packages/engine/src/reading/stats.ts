/** How much each snapshot needs and how much of that it alone needs, from refsets and the sizes in the index. */
import { type PackIdList, packIdAt, packIdCount, packLength } from '@keephold/protocol';
import { DamagedError } from '../errors.ts';
import { SnapshotStat } from '../snapshot.ts';
import { IdTable } from './id-table.ts';
import type { Repository } from './repository.ts';
import type { Snapshot } from './snapshot-reader.ts';

export interface SnapshotSizes {
  readonly snapshot: Snapshot;
  /** Of its files, where the snapshot says so. */
  readonly files: number | bigint | undefined;
  readonly bytes: number | bigint | undefined;
  /** Undefined where its refset cannot be read. */
  readonly needs: SnapshotNeeds | undefined;
}

export interface SnapshotNeeds {
  /** How many, and their bytes as stored. */
  readonly packs: number;
  readonly packBytes: number;
  /** Bytes of packs that no other snapshot needs: what forgetting it would free. At most, where a refset is not read. */
  readonly uniquePackBytes: number;
}

export interface RepositorySizes {
  readonly snapshots: readonly SnapshotSizes[];
  /** Numbers of the snapshots whose refsets cannot be read: what they need is in no sum. */
  readonly refsetsUnread: readonly number[];
  /** What all others need together. */
  readonly packs: number;
  readonly packBytes: number;
  /** Packs that a refset has and no index lists: their sizes are not known here. */
  readonly unlistedPacks: number;
}

/** Marks a pack that several snapshots need. */
const SHARED = -1;

/** Damage of a refset keeps nobody from the other sizes; a keeper that cannot be reached does. */
export async function stats({ repository }: { readonly repository: Repository }): Promise<RepositorySizes> {
  const sizes = await packSizes(repository);
  const snapshots = await repository.snapshots();
  const { owners, needs, unread } = await readNeeds(repository, sizes);
  const unique = uniqueBytes(owners, sizes.bytes);
  return {
    snapshots: snapshots.map((snapshot) => {
      const own = needs.get(snapshot.seq);
      return {
        snapshot,
        files: snapshot.stats.get(SnapshotStat.files),
        bytes: snapshot.stats.get(SnapshotStat.bytes),
        needs: own && { ...own, uniquePackBytes: unique.get(snapshot.seq) ?? 0 },
      };
    }),
    refsetsUnread: unread,
    packs: owners.size,
    packBytes: [...unique.values()].reduce((sum, bytes) => sum + bytes, 0),
    unlistedPacks: [...owners.keys()].filter((pack) => sizes.bytes[pack] === undefined).length,
  };
}

interface Needs {
  /** The snapshot that needs a pack, by the pack's number in the table, or SHARED. */
  readonly owners: ReadonlyMap<number, number>;
  /** By snapshot. */
  readonly needs: ReadonlyMap<number, Omit<SnapshotNeeds, 'uniquePackBytes'>>;
  readonly unread: readonly number[];
}

/** Of all snapshots that are kept, those too that cannot be read themselves: what they need is not freed. */
async function readNeeds(repository: Repository, sizes: PackSizes): Promise<Needs> {
  const owners = new Map<number, number>();
  const needs = new Map<number, Omit<SnapshotNeeds, 'uniquePackBytes'>>();
  const unread: number[] = [];
  for (const { seq } of repository.log.snapshots) {
    const refset = await refsetOrDamaged(repository, seq);
    if (refset === undefined) {
      unread.push(seq);
      continue;
    }
    let packBytes = 0;
    for (let i = 0; i < packIdCount(refset); i++) {
      const pack = sizes.packs.add(packIdAt(refset, i));
      packBytes += sizes.bytes[pack] ?? 0;
      owners.set(pack, owners.has(pack) ? SHARED : seq);
    }
    needs.set(seq, { packs: packIdCount(refset), packBytes });
  }
  return { owners, needs, unread };
}

async function refsetOrDamaged(repository: Repository, seq: number): Promise<PackIdList | undefined> {
  try {
    return await repository.refset({ seq });
  } catch (error) {
    if (error instanceof DamagedError) return undefined;
    throw error;
  }
}

interface PackSizes {
  readonly packs: IdTable;
  /** By a pack's number in the table. */
  readonly bytes: number[];
}

/** Bytes of every pack that an index lists. */
async function packSizes(repository: Repository): Promise<PackSizes> {
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
