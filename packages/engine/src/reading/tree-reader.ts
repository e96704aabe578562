/**
 * Directories of a snapshot: one tree blob, or a list of them when they are large (format.md §6). Checks what no single
 * blob shows: that the parts of a split directory are trees of the announced length, in order of names throughout.
 */
import { compareBytes, toHex } from '@keephold/bytes';
import type { BlobId } from '@keephold/protocol';
import { DamagedError } from '../errors.ts';
import type { TreeNode } from '../node-fields.ts';
import { BlobKind } from '../pack-contents.ts';
import { decodeTree } from '../tree-codec.ts';
import { checkedList, leavesOf, type ReadBlob } from './list-reader.ts';

/** Entries of the directory with this tree or list id, sorted by name, up to 2,048 at a time. */
export async function* readDirectory(read: ReadBlob, id: BlobId): AsyncGenerator<readonly TreeNode[]> {
  const { kind, bytes } = await read(id);
  if (kind === BlobKind.tree) {
    yield decodeTree(bytes);
    return;
  }
  if (kind !== BlobKind.list) throw new DamagedError(`read directory ${toHex(id)}: it is a blob of kind ${kind}`);
  let last: Uint8Array | undefined;
  for await (const leaves of leavesOf(read, checkedList(id, bytes, { childKind: BlobKind.tree }))) {
    for (const leaf of leaves) {
      const nodes = await readPart(read, leaf.blob, leaf.bytes);
      requireOrder(id, last, nodes[0]);
      last = nodes.at(-1)?.name ?? last;
      yield nodes;
    }
  }
}

/** The entry with this name; undefined when there is none. Reads no more of the directory than it must. */
export async function findEntry(read: ReadBlob, id: BlobId, name: Uint8Array): Promise<TreeNode | undefined> {
  for await (const nodes of readDirectory(read, id)) {
    const last = nodes.at(-1);
    if (last === undefined || compareBytes(last.name, name) < 0) continue;
    return nodes.find((node) => compareBytes(node.name, name) === 0);
  }
  return undefined;
}

async function readPart(read: ReadBlob, id: BlobId, length: number): Promise<readonly TreeNode[]> {
  const { kind, bytes } = await read(id);
  if (kind !== BlobKind.tree || bytes.length !== length) {
    throw new DamagedError(`read directory part ${toHex(id)}: its list says a tree of ${length} bytes`);
  }
  const nodes = decodeTree(bytes);
  // One without names could stand in a list any number of times and still be in order.
  if (nodes.length === 0) throw new DamagedError(`read directory part ${toHex(id)}: it is empty`);
  return nodes;
}

function requireOrder(id: BlobId, last: Uint8Array | undefined, next: TreeNode | undefined): void {
  if (last === undefined || next === undefined || compareBytes(last, next.name) < 0) return;
  throw new DamagedError(`read directory ${toHex(id)}: names unsorted or repeated across its parts`);
}
