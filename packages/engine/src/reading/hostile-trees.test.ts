/** Trees that no honest writer makes. */
import { toHex } from '@keephold/bytes';
import { type BlobId } from '@keephold/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { DamagedError } from '../errors.ts';
import { encodeList } from '../list-codec.ts';
import type { TreeNode } from '../node-fields.ts';
import { decodeTree } from '../tree-codec.ts';
import { doubled, listBomb, repeatedList } from './_bombs.ts';
import { type Blob, MemoryVault, noise } from './_memory-vault.ts';
import { collect, content, grouped, open, paths } from './_stored-tree.ts';
import { type Entry, encodeNode, TreeFixture, treeOf } from './_tree-fixture.ts';
import { diff } from './diff.ts';
import { contentParts } from './file-content.ts';
import { type Repository } from './repository.ts';
import { walkTree } from './tree-walk.ts';

let vault: MemoryVault;

async function* none(): AsyncGenerator<never> {}

/** Nodes with ascending names. */
function many(count: number, node: (name: string) => Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, i) => node(String(i).padStart(6, '0')));
}

beforeEach(async () => {
  vault = await MemoryVault.create();
});

describe('hostile trees', () => {
  /** A snapshot whose root is built by hand. */
  async function hostile(build: (fixture: TreeFixture) => BlobId): Promise<Repository> {
    const fixture = new TreeFixture((blob) => vault.idOf(blob));
    const rootTree = build(fixture);
    const packs = [await vault.putPack(2, grouped(fixture.meta))];
    if (fixture.data.length > 0) packs.push(await vault.putPack(1, grouped(fixture.data)));
    await vault.addSnapshot({ rootTree, packs });
    return await open(vault);
  }

  const tree2 = (name: string) => treeOf([encodeNode(name, { type: 0, fields: [] })]);

  it('deeper than 1,024 are refused', async () => {
    const nested = (depth: number) => (fixture: TreeFixture) => {
      let id = fixture.put({ kind: 2, bytes: treeOf([]) });
      for (let i = 0; i < depth; i++)
        id = fixture.put({ kind: 2, bytes: treeOf([encodeNode('d', { type: 1, fields: [[12, id]] })]) });
      return id;
    };
    expect(await paths(await hostile(nested(1000)))).toHaveLength(1000);
    await expect(paths(await hostile(nested(1030)))).rejects.toThrow(/deeper/);
  });

  it('with a directory inside itself are refused', async () => {
    const repository = await hostile((fixture) => fixture.directory({ entries: { d: { entries: {} } } }));
    const snapshot = await repository.snapshot('latest');
    // Ids are hashes of what they name, so a cycle cannot be built; walking one must end all the same.
    const root = { ...snapshot, rootTree: snapshot.rootTree };
    const read = async () => ({
      kind: 2 as const,
      bytes: treeOf([encodeNode('d', { type: 1, fields: [[12, root.rootTree]] })]),
    });
    const node = await repository.nodeAt(snapshot, new Uint8Array());
    const walk = walkTree(read, async () => ({ path: new Uint8Array(), node }));
    await expect(collect(walk)).rejects.toThrow(/inside itself/);
  });

  it.each<[string, (fixture: TreeFixture) => BlobId]>([
    ['a root that is data', (fixture) => fixture.put({ kind: 1, bytes: tree2('a') })],
    ['a root that is no tree', (fixture) => fixture.put({ kind: 2, bytes: noise(50, 1) })],
    ['a split directory out of order', (fixture) => splitOf(fixture, ['b', 'a'])],
    ['a name in two parts', (fixture) => splitOf(fixture, ['a', 'a'])],
    [
      'a part of another length',
      (fixture) => fixture.list(2, [{ blob: fixture.put({ kind: 2, bytes: tree2('a') }), bytes: 3 }]),
    ],
    ['an empty part, over and over', (fixture) => repeatedList(fixture, 2, treeOf([]), 5)],
    [
      'a list of data as directory',
      (fixture) => fixture.list(1, [{ blob: fixture.put({ kind: 2, bytes: tree2('a') }), bytes: tree2('a').length }]),
    ],
    [
      'a list where a tree should be',
      (fixture) => {
        const inner = fixture.list(2, [
          { blob: fixture.put({ kind: 2, bytes: tree2('a') }), bytes: tree2('a').length },
        ]);
        return fixture.list(2, [{ blob: inner, bytes: tree2('a').length }]);
      },
    ],
  ])('with %s are refused', async (_, build) => {
    const told = paths(await hostile(build));
    await expect(told).rejects.toThrow(/DamagedError|read|no index/);
    await expect(told).rejects.toMatchObject({ name: expect.stringMatching(/DamagedError|MissingDataError/) });
  });

  it('with a billion directories made of thirty are refused, walked and compared', async () => {
    const repository = await hostile((fixture) => doubled(fixture, 30));
    const snapshot = await repository.snapshot('latest');
    const walk = async () => {
      for await (const _ of repository.walk(snapshot));
    };
    await expect(walk()).rejects.toThrow(/over and over/);
    const compare = async () => {
      const empty = { ...snapshot, rootTree: new Uint8Array(32) as BlobId };
      const sides = {
        childParts: (of: Parameters<Repository['childParts']>[0]) =>
          of === empty ? none() : repository.childParts(of),
      };
      for await (const _ of diff({ repository: sides, a: empty, b: snapshot }));
    };
    await expect(compare()).rejects.toThrow(/over and over/);
  });

  it('with copies of one directory are walked: a disk may be full of them', async () => {
    const repository = await hostile((fixture) => {
      const id = fixture.put({
        kind: 2,
        bytes: treeOf(many(1000, (name) => encodeNode(name, { type: 0, fields: [] }))),
      });
      return fixture.put({
        kind: 2,
        bytes: treeOf(many(500, (name) => encodeNode(name, { type: 1, fields: [[12, id]] }))),
      });
    });
    let entries = 0;
    for await (const _ of repository.walk(await repository.snapshot('latest'))) entries++;
    expect(entries).toBe(500_500);
  });

  it('with a path longer than any system has are refused', async () => {
    const long = 'n'.repeat(300_000);
    const repository = await hostile((fixture) => {
      let id = fixture.put({ kind: 2, bytes: treeOf([]) });
      for (let i = 0; i < 6; i++)
        id = fixture.put({ kind: 2, bytes: treeOf([encodeNode(`${i}${long}`, { type: 1, fields: [[12, id]] })]) });
      return id;
    });
    await expect(paths(repository)).rejects.toThrow(/longer than/);
  });

  it('with a file of lists within lists, all the same, are refused when read', async () => {
    const fixture = new TreeFixture((blob) => vault.idOf(blob));
    const root = listBomb(fixture);
    const stored = new Map(fixture.meta.map((blob) => [toHex(vault.idOf(blob)), blob]));
    const [node] = decodeTree(stored.get(toHex(root))!.bytes);
    let reads = 0;
    const read = async (id: BlobId) => {
      reads++;
      return stored.get(toHex(id)) as Blob;
    };
    const all = async () => {
      for await (const _ of contentParts(read, node as TreeNode, { freeLists: 100 }));
    };
    await expect(all()).rejects.toThrow(/over and over/);
    expect(reads).toBe(100 + 5 * 1024);
  });

  function splitOf(fixture: TreeFixture, names: readonly string[]): BlobId {
    return fixture.list(
      2,
      names.map((name, i) => {
        const bytes = treeOf([encodeNode(name, { type: 0, mode: i, fields: [] })]);
        return { blob: fixture.put({ kind: 2, bytes }), bytes: bytes.length };
      }),
    );
  }

  it.each<[string, Entry]>([
    ['a size that its list does not sum to', { parts: [noise(10, 1)], listed: 1, size: 11 }],
    ['a size and no content', { parts: [], size: 5 }],
  ])('with a file of %s are refused when it is read', async (_, entry) => {
    const repository = await hostile((fixture) => fixture.directory({ entries: { f: entry } }));
    await expect(content(repository, 'f')).rejects.toThrow(DamagedError);
  });

  it('with a list of the wrong level beneath are refused', async () => {
    const repository = await hostile((fixture) => {
      const leaf = { blob: fixture.put({ kind: 1, bytes: noise(10, 1) }), bytes: 10 };
      const low = fixture.list(1, [leaf]);
      const entries = [{ blob: low, bytes: 10 }];
      const high = fixture.put({ kind: 3, bytes: encodeList({ childKind: 1, level: 2, entries }) });
      return fixture.put({
        kind: 2,
        bytes: treeOf([
          encodeNode('f', {
            type: 0,
            fields: [
              [10, 10],
              [11, high],
            ],
          }),
        ]),
      });
    });
    await expect(content(repository, 'f')).rejects.toThrow(DamagedError);
  });
});
