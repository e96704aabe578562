/**
 * Walks a tree depth first, a directory before what it holds, names in order. Trees are hostile (security.md §8): depth
 * and number of entries are bounded and a directory inside itself is refused. Names are passed on as they are.
 */
import { equalBytes } from '@keephold/bytes';
import type { BlobId } from '@keephold/protocol';
import { ByteSlab } from '../byte-slab.ts';
import { DamagedError } from '../errors.ts';
import { NodeType, type TreeNode } from '../node-fields.ts';
import type { ReadBlob } from './list-reader.ts';
import { MAX_PATH_BYTES, MAX_TREE_DEPTH, TreeBudget } from './tree-budget.ts';
import { readDirectory } from './tree-reader.ts';

const SLASH = 0x2f;

export interface WalkedNode {
  /** From the root of the snapshot: name bytes joined by '/', none at either end. */
  readonly path: Uint8Array;
  readonly node: TreeNode;
}

interface Level {
  readonly path: Uint8Array;
  readonly id: BlobId;
  readonly parts: AsyncGenerator<readonly TreeNode[]>;
  nodes: readonly TreeNode[];
  next: number;
}

/**
 * Everything beneath a directory, itself not; or what is no directory, alone. `start` is asked for when the walk begins:
 * one generator and not two, because passing on costs as much as walking.
 */
export async function* walkTree(read: ReadBlob, start: () => Promise<WalkedNode>): AsyncGenerator<WalkedNode> {
  const from = await start();
  if (from.node.type !== NodeType.directory) yield from;
  const budget = new TreeBudget();
  const openLevel = (path: Uint8Array, id: BlobId): Level => {
    return { path, id, parts: budget.parts(id, readDirectory(read, id)), nodes: [], next: 0 };
  };
  const levels = from.node.subtree === undefined ? [] : [openLevel(from.path, from.node.subtree)];
  const depth = pathComponents(from.path).length;
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const node = level.nodes[level.next++];
    if (node === undefined) {
      if (await nextPart(level)) continue;
      levels.pop();
      continue;
    }
    const path = joinPath(level.path, node.name);
    yield { path, node };
    if (node.type !== NodeType.directory || node.subtree === undefined) continue;
    const below = openLevel(path, node.subtree);
    if (levels.some(({ id }) => equalBytes(id, below.id)))
      throw new DamagedError('walk tree: a directory lies inside itself');
    if (depth + levels.length >= MAX_TREE_DEPTH) throw new DamagedError(`walk tree: deeper than ${MAX_TREE_DEPTH}`);
    if (path.length > MAX_PATH_BYTES) throw new DamagedError(`walk tree: a path longer than ${MAX_PATH_BYTES} bytes`);
    levels.push(below);
  }
}

const slab = new ByteSlab();

/** `parent` and a name in it. The answer shares memory with others: never transfer it. */
export function joinPath(parent: Uint8Array, name: Uint8Array): Uint8Array {
  if (parent.length === 0) return name.slice();
  const path = slab.take(parent.length + 1 + name.length);
  path.set(parent);
  path[parent.length] = SLASH;
  path.set(name, parent.length + 1);
  return path;
}

/** Components of a path; a slash before the first is passed over. */
export function pathComponents(path: Uint8Array): readonly Uint8Array[] {
  const components: Uint8Array[] = [];
  let start = path[0] === SLASH ? 1 : 0;
  for (let at = start; at <= path.length && start < path.length; at++) {
    if (at < path.length && path[at] !== SLASH) continue;
    components.push(path.subarray(start, at));
    start = at + 1;
  }
  return components;
}

async function nextPart(level: Level): Promise<boolean> {
  const { done, value } = await level.parts.next();
  if (done === true) return false;
  level.nodes = value;
  level.next = 0;
  return true;
}
