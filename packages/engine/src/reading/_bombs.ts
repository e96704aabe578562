/** Trees that are small where they are stored and have no end where they are walked; for tests. */
import type { BlobId } from '@keephold/protocol';
import { encodeList } from '../list-codec.ts';
import { encodeNode, type TreeFixture, treeOf } from './_tree-fixture.ts';

/** Lists of 1,024 times the list below, down to one leaf. */
export function repeatedList(fixture: TreeFixture, kind: 1 | 2, leaf: Uint8Array, levels: number): BlobId {
  let entry = { blob: fixture.put({ kind, bytes: leaf }), bytes: leaf.length };
  for (let level = 0; level < levels; level++) {
    const bytes = encodeList({ childKind: kind, level, entries: Array.from({ length: 1024 }, () => entry) });
    entry = { blob: fixture.put({ kind: 3, bytes }), bytes: entry.bytes * 1024 };
  }
  return entry.blob;
}

/** Directories that hold the next one twice; the last one is empty. Answers the topmost. */
export function doubled(fixture: TreeFixture, levels: number): BlobId {
  let id = fixture.put({ kind: 2, bytes: treeOf([]) });
  for (let level = 0; level < levels; level++) {
    const nodes = ['a', 'b'].map((name) => encodeNode(name, { type: 1, fields: [[12, id]] }));
    id = fixture.put({ kind: 2, bytes: treeOf(nodes) });
  }
  return id;
}

/** A directory with a file 'f' of 1,024^5 times one byte. */
export function listBomb(fixture: TreeFixture): BlobId {
  const list = repeatedList(fixture, 1, new Uint8Array([7]), 5);
  const fields: [number, number | Uint8Array][] = [
    [10, 1024 ** 5],
    [11, list],
  ];
  return fixture.put({ kind: 2, bytes: treeOf([encodeNode('f', { type: 0, fields })]) });
}
