/** Comparing and measuring snapshots. */
import { utf8Decode } from '@keephold/bytes';
import { sortPackIds } from '@keephold/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryVault, noise } from './_memory-vault.ts';
import { collect, file, open, putTree, type StoredTree, tree } from './_stored-tree.ts';
import { diff } from './diff.ts';
import { stats } from './stats.ts';

let vault: MemoryVault;
let stored: StoredTree;

beforeEach(async () => {
  vault = await MemoryVault.create(2);
  stored = await putTree(vault, tree);
});

describe('comparing snapshots', () => {
  it('tells every change once and reads no equal directory', async () => {
    const same = { entries: { x: file(noise(5, 1)) } };
    const before = await putTree(vault, {
      entries: {
        same,
        gone: file(noise(5, 2)),
        old: { entries: { deep: file() } },
        edit: file(noise(5, 3)),
        touch: file(noise(5, 4)),
        kind: file(),
      },
    });
    await vault.addSnapshot(before);
    const after = await putTree(
      vault,
      {
        entries: {
          same,
          edit: file(noise(5, 9)),
          touch: { parts: [noise(5, 4)], mtime: 9n },
          kind: { entries: { inside: { target: 'x' } } },
          fresh: { entries: { one: file() } },
        },
      },
      before.blobs,
    );
    await vault.addSnapshot(after);
    const repository = await open(vault);
    const [a, b] = (await repository.snapshots()) as [never, never];
    const changes = await collect(diff({ repository, a, b }));
    expect(changes.map(({ path, change }) => `${change} ${utf8Decode(path)}`)).toEqual([
      'modified edit',
      'added fresh',
      'added fresh/one',
      'removed gone',
      'type kind',
      'added kind/inside',
      'removed old',
      'removed old/deep',
      'metadata touch',
    ]);
    expect(changes[8]?.before?.mtime).toBe(5n);
    expect(await collect(diff({ repository, a, b: a }))).toEqual([]);
  });
});

describe('sizes', () => {
  it('count what each snapshot needs alone', async () => {
    await vault.addSnapshot(stored);
    const second = await putTree(vault, { entries: { extra: file(noise(9, 9)) } });
    await vault.addSnapshot({
      ...second,
      fields: {
        stats: new Map([
          [0, 1],
          [1, 9],
        ]),
      },
    });
    await vault.addSnapshot({ ...second, packs: [], refset: sortPackIds(second.packs.map(({ packId }) => packId)) });
    const sizes = await stats({ repository: await open(vault) });
    const pageBytes = (count: number) => 96 + 65_552 * count;
    const firstBytes = stored.packs.reduce((sum, { pageCount }) => sum + pageBytes(pageCount), 0);
    expect(sizes.packs).toBe(4);
    expect(sizes.packBytes).toBe(firstBytes + 2 * pageBytes(1));
    expect(sizes.refsetsUnread).toEqual([]);
    expect(sizes.snapshots.map(({ needs }) => [needs?.packs, needs?.uniquePackBytes])).toEqual([
      [2, 0],
      [4, 0],
      [2, 0],
    ]);
    expect(sizes.snapshots[1]).toMatchObject({ files: 1, bytes: 9 });
    expect(sizes.unlistedPacks).toBe(0);
  });
});
