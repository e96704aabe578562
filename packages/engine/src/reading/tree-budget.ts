/**
 * Bounds a walk through a hostile tree (security.md §8). Ids are hashes, so no tree contains itself; but thirty small
 * trees, each holding the next one twice, are a billion directories. A walk may see as many entries as were stored, many
 * times over (copies of a disk, snapshots of a file system), and not more.
 */
import type { BlobId } from '@keephold/protocol';
import { DamagedError } from '../errors.ts';
import type { TreeNode } from '../node-fields.ts';

/** Components of a path. */
export const MAX_TREE_DEPTH = 1024;
/** Of a path: 1,024 components of the longest names that file systems have. */
export const MAX_PATH_BYTES: number = 1024 * 1024;
/** Entries that are always allowed, and how often on average each stored one may be met. */
const FREE_ENTRIES = 100_000;
const REPETITIONS = 1024;
// One bit by the first bits of an id. When it fills, new directories are taken for repeated ones, which only ends walks
// that have met more than REPETITIONS times the first million directories.
const SEEN_BITS = 20;

export class TreeBudget {
  readonly #seen = new Uint32Array(2 ** (SEEN_BITS - 5));
  #entries = 0;
  #allowed = FREE_ENTRIES;

  /**
   * The parts of the directory with this subtree, as they are read.
   * @throws DamagedError, while they are read, when the walk has met more entries than any honest tree has
   */
  async *parts(
    subtree: BlobId | undefined,
    parts: AsyncIterable<readonly TreeNode[]>,
  ): AsyncGenerator<readonly TreeNode[]> {
    const share = subtree === undefined || this.#isNew(subtree) ? REPETITIONS : 0;
    for await (const nodes of parts) {
      this.#entries += nodes.length;
      this.#allowed += nodes.length * share;
      if (this.#entries > this.#allowed)
        throw new DamagedError(`walk tree: more than ${this.#allowed} entries, which are few ones over and over`);
      yield nodes;
    }
  }

  #isNew(subtree: BlobId): boolean {
    const bits = (subtree[0]! | (subtree[1]! << 8) | (subtree[2]! << 16)) & (2 ** SEEN_BITS - 1);
    const word = bits >>> 5;
    const mask = 1 << (bits & 31);
    if ((this.#seen[word]! & mask) !== 0) return false;
    this.#seen[word]! |= mask;
    return true;
  }
}
