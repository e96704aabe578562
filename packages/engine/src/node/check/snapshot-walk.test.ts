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
