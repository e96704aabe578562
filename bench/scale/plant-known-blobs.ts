/**
 * Adds blobs that nobody ever stored to a cache of known blobs, as if a device had backed up for years. It does so with
 * the engine's own code, so that the cache is what such a device would have. It must never touch a real device's cache.
 */
import { join } from 'node:path';
import { SeededRandom } from '../data/seeded-random.ts';

/** About what packs of files of 60 kB hold. */
const BLOBS_A_PACK = 256;
const ROW_BYTES = 48;

/** What is used of packages/engine/src/node/known-blobs, which the engine keeps to itself. */
interface Store {
  readonly records: number;
  readonly packCount: number;
  readonly covered: object;
  readonly blocks: number;
  addCommitted(packId: Uint8Array, blobRows: Uint8Array): void;
  settle(covered: object): void;
  close(): void;
}

interface EngineParts {
  readonly KnownBlobStore: { open(folder: string, start: object): Store };
  readonly blocksFor: (blobs: number) => number;
}

export interface PlantOptions {
  /** Of the vault's cache. */
  readonly folder: string;
  readonly blobs: number;
  /** Stops earlier, after two thirds or more of them, where some hundreds more would make the table grow. */
  readonly toTheBrink: boolean;
}

export interface Planted {
  readonly records: number;
  readonly packs: number;
  /** Of the table, 4 KiB each in its file and 128 bytes each in memory. */
  readonly blocks: number;
}

const BRINK = 1024;

export async function plantKnownBlobs({ folder, blobs, toTheBrink }: PlantOptions): Promise<Planted> {
  const { KnownBlobStore, blocksFor } = await engineParts();
  const store = KnownBlobStore.open(folder, { seq: 0, hash: new Uint8Array(32) });
  const random = new SeededRandom('known blobs');
  let records = store.records;
  const fits = (more: number): boolean => blocksFor(records + more) <= store.blocks;
  const isDone = (): boolean => (toTheBrink ? records >= (blobs * 2) / 3 && fits(0) && !fits(BRINK) : records >= blobs);
  while (!isDone()) {
    store.addCommitted(random.bytes(32), random.bytes(BLOBS_A_PACK * ROW_BYTES));
    records += BLOBS_A_PACK;
  }
  store.settle(store.covered);
  const planted = { records: store.records, packs: store.packCount, blocks: store.blocks };
  store.close();
  return planted;
}

async function engineParts(): Promise<EngineParts> {
  const folder = join(import.meta.dirname, '../../packages/engine/src/node/known-blobs');
  const [store, table] = await Promise.all(
    ['known-blob-store', 'committed-table'].map((name) => import(join(folder, `${name}.ts`))),
  );
  return { ...(table as Pick<EngineParts, 'blocksFor'>), ...(store as Pick<EngineParts, 'KnownBlobStore'>) };
}
