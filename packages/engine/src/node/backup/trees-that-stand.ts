/**
 * The trees of a checkpoint that does not wait for what is on its way: a directory that is done, and some of whose files
 * are not stored yet, is stored once more without them, and so are the directories above it.
 */
import { toHex } from '@keephold/bytes';
import { subtreeOf, withSubtree } from '../../node-encoding.ts';
import { directoryOf, type Stands, standingEntries } from '../tree-cache/standing-records.ts';

export interface TreesThatStand {
  readonly stands: Stands;
  /** The tree to refer to instead of this one, by its id. */
  readonly instead: (tree: Uint8Array) => Uint8Array;
  /** A node with what its subtree is replaced by. */
  readonly adapt: (node: Uint8Array) => Uint8Array;
}

/** When everything that was captured is going to be stored. */
export const ALL_STANDS: TreesThatStand = { stands: () => true, instead: (tree) => tree, adapt: (node) => node };

/**
 * Goes through the `records` of directories that are done and do not stand as a whole, those below a directory before it.
 * `store` answers the id of the tree of these nodes.
 */
export function treesThatStand(
  records: Iterable<Uint8Array>,
  stands: Stands,
  store: (nodes: readonly Uint8Array[]) => Uint8Array,
): TreesThatStand {
  const replaced = new Map<string, Uint8Array>();
  const adapt = (node: Uint8Array): Uint8Array => {
    const subtree = replaced.size === 0 ? undefined : subtreeOf(node);
    const other = subtree && replaced.get(toHex(subtree));
    return other === undefined ? node : withSubtree(node, other);
  };
  for (const record of records) {
    const directory = directoryOf(record);
    const nodes: Uint8Array[] = [];
    let isSame = true;
    for (const { node } of standingEntries(directory, stands)) {
      const adapted = adapt(node);
      isSame &&= adapted === node;
      nodes.push(adapted.slice());
    }
    if (!isSame || nodes.length < directory.count) replaced.set(toHex(directory.subtreeId), store(nodes));
  }
  return { stands, adapt, instead: (tree) => replaced.get(toHex(tree)) ?? tree };
}
