/** What a check does with trees that have no end: it looks at every blob once. */
import { toHex } from '@keephold/bytes';
import type { BlobId } from '@keephold/protocol';
import { expect, it } from 'vitest';
import { doubled, listBomb } from '../../reading/_bombs.ts';
import { MemoryVault } from '../../reading/_memory-vault.ts';
import { encodeNode, TreeFixture, treeOf } from '../../reading/_tree-fixture.ts';
import { SnapshotWalk } from './snapshot-walk.ts';

/** Blobs shown to the judge, and what it was told. */
async function walked(build: (fixture: TreeFixture) => BlobId): Promise<{ blobs: number; problems: string[] }> {
  const vault = await MemoryVault.create();
  const fixture = new TreeFixture((blob) => vault.idOf(blob));
  const root = build(fixture);
  const stored = new Map(fixture.meta.map((blob) => [toHex(vault.idOf(blob)), blob]));
  const seen = { blobs: 0, problems: [] as string[] };
  const walk = new SnapshotWalk({
    judge: { blob: () => seen.blobs++, unreadable: ({ message }) => seen.problems.push(message) },
    kindOf: (id) => stored.get(toHex(id))?.kind,
    readBlob: async (id) => stored.get(toHex(id))!.bytes,
    signal: new AbortController().signal,
    onTree: () => undefined,
  });
  await walk.walk('#1', root);
  return seen;
}

it('reads a directory once, however often it stands in others', async () => {
  expect(await walked((fixture) => doubled(fixture, 60))).toEqual({ blobs: 61, problems: [] });
});

it('reads a list once, however often it stands in others', async () => {
  expect(await walked(listBomb)).toEqual({ blobs: 1 + 5 + 1024, problems: [] });
});

it('finds that a list which it has seen stands for other bytes, or at another level', async () => {
  const { problems } = await walked((fixture) => {
    const leaf = { blob: fixture.put({ kind: 1, bytes: new Uint8Array([7]) }), bytes: 1 };
    const list = fixture.list(1, [leaf]);
    const above = fixture.list(1, [{ blob: list, bytes: 1 }], 1);
    const file = (name: string, size: number, content: BlobId): Uint8Array =>
      encodeNode(name, {
        type: 0,
        fields: [
          [10, size],
          [11, content],
        ],
      });
    return fixture.put({ kind: 2, bytes: treeOf([file('a', 1, list), file('b', 2, list), file('c', 1, above)]) });
  });
  expect(problems).toEqual([expect.stringContaining('read list')]);
});

/** `outer/inner/file` beside a file of its own in each of three snapshots, walked with a judge that reports some blobs. */
async function reported(isBad: (kind: number | undefined) => boolean): Promise<string[]> {
  const vault = await MemoryVault.create();
  const fixture = new TreeFixture((blob) => vault.idOf(blob));
  const file = (name: string, byte: number): Uint8Array => {
    const content = [{ blob: fixture.put({ kind: 1, bytes: new Uint8Array([byte]) }), bytes: 1 }];
    return encodeNode(name, {
      type: 0,
      fields: [
        [10, 1],
        [11, content],
      ],
    });
  };
  const folder = (...nodes: Uint8Array[]): BlobId => fixture.put({ kind: 2, bytes: treeOf(nodes) });
  const inner = folder(file('file', 1));
  const outer = folder(encodeNode('inner', { type: 1, fields: [[12, inner]] }));
  const unchanged = encodeNode('outer', { type: 1, fields: [[12, outer]] });
  const roots = [folder(file('a', 2), unchanged), folder(file('a', 3), unchanged)];
  const stored = new Map(fixture.meta.map((blob) => [toHex(vault.idOf(blob)), blob]));
  const places: string[] = [];
  const walk = new SnapshotWalk({
    judge: { blob: (_id, kind, where) => void (isBad(kind) && places.push(where())), unreadable: () => undefined },
    kindOf: (id) => stored.get(toHex(id))?.kind,
    readBlob: async (id) => stored.get(toHex(id))!.bytes,
    signal: new AbortController().signal,
    onTree: () => undefined,
  });
  for (const [i, root] of [...roots, roots[1]!].entries()) await walk.walk(`#${i + 1}`, root);
  return places;
}

it('tells the path of each directory that it reports, in every snapshot that has it', async () => {
  const directories = ['/', '/outer', '/outer/inner'];
  expect(await reported((kind) => kind === 2)).toEqual(
    [1, 2, 3].flatMap((seq) => directories.map((path) => `#${seq}:${path}`)),
  );
});

it('tells every snapshot of a damaged file, also where its folder did not change', async () => {
  const places = await reported((kind) => kind === 1);
  expect(places).toEqual([1, 2, 3].flatMap((seq) => [`#${seq}:/a`, `#${seq}:/outer/inner/file`]));
});
