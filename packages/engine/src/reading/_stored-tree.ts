/** A tree that has everything a tree can have, stored in a vault, and short ways to read it; for tests. */
import { concatBytes, toHex, utf8Decode, utf8Encode } from '@keephold/bytes';
import type { IndexedPack } from '../index-object.ts';
import { type Blob, type Frame, type MemoryVault, noise } from './_memory-vault.ts';
import { type DirectoryEntry, type Entry, TreeFixture } from './_tree-fixture.ts';
import { openRepository, type Repository } from './repository.ts';

export const file = (...parts: Uint8Array[]): Entry => ({ parts });

export const tree: DirectoryEntry = {
  entries: {
    docs: {
      entries: {
        'a.txt': file(noise(1000, 1)),
        'b.txt': file(noise(1000, 1), noise(500, 2)),
        'empty.txt': file(),
        link: { target: '../etc' },
      },
    },
    large: {
      entries: Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`f${i}`, file(noise(40, 50 + i))])),
      split: 4,
    },
    'listed.bin': { parts: [noise(70_000, 3), noise(66_000, 4), noise(10, 5)], listed: 3 },
  },
};

/** Entries of `tree`. */
export const TREE_ENTRIES = 32;

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export interface StoredTree {
  readonly rootTree: ReturnType<MemoryVault['idOf']>;
  readonly packs: readonly IndexedPack[];
  readonly blobs: readonly Blob[];
}

/** Stores what of a tree is not `known`, as a data pack and a meta pack of a few frames each. */
export async function putTree(
  vault: MemoryVault,
  entry: DirectoryEntry,
  known: readonly Blob[] = [],
): Promise<StoredTree> {
  const fixture = new TreeFixture((blob) => vault.idOf(blob));
  const rootTree = fixture.directory(entry);
  const old = new Set(known.map((blob) => toHex(vault.idOf(blob))));
  const isNew = (blob: Blob): boolean => !old.has(toHex(vault.idOf(blob)));
  const packs: IndexedPack[] = [];
  for (const [kind, blobs] of [
    [1, fixture.data.filter(isNew)],
    [2, fixture.meta.filter(isNew)],
  ] as const) {
    if (blobs.length > 0) packs.push(await vault.putPack(kind, grouped(blobs)));
  }
  return { rootTree, packs, blobs: [...fixture.data, ...fixture.meta] };
}

/** Three blobs a frame. */
export function grouped(blobs: readonly Blob[]): readonly Frame[] {
  return Array.from({ length: Math.ceil(blobs.length / 3) }, (_, i) => ({ blobs: blobs.slice(i * 3, i * 3 + 3) }));
}

export async function open(vault: MemoryVault): Promise<Repository> {
  return await openRepository(vault.options());
}

/** Paths of the newest snapshot, beneath one of them. */
export async function paths(repository: Repository, path = ''): Promise<string[]> {
  const entries = await collect(repository.walk(await repository.snapshot('latest'), utf8Encode(path)));
  return entries.map((entry) => utf8Decode(entry.path));
}

/** A file of the newest snapshot. */
export async function content(repository: Repository, path: string): Promise<Uint8Array> {
  const snapshot = await repository.snapshot('latest');
  const node = await repository.nodeAt(snapshot, utf8Encode(path));
  return concatBytes(...(await collect(repository.readFile(node, snapshot))));
}
