/**
 * Walks several snapshots, newest first, and yields each version of each matching entry once. A folder whose tree is the
 * one already walked at the same path is not read again, so that a year of hourly snapshots costs little more than one.
 */
import { NodeType, type Repository, type Snapshot, TreeBudget, type TreeNode } from '@keephold/engine';
import type { NamePattern } from './name-pattern.ts';
import { contentKey, hex, joinPath, withSlash } from './node-text.ts';

export interface FoundVersion {
  readonly path: Uint8Array;
  readonly node: TreeNode;
  /** The newest snapshot that has this version. */
  readonly snapshot: Snapshot;
}

type Walkable = Pick<Repository, 'childParts'>;

export async function* findVersions(
  repository: Walkable,
  snapshots: readonly Snapshot[],
  pattern: NamePattern,
): AsyncGenerator<FoundVersion> {
  const walked = new Set<string>();
  const versions = new Set<string>();
  for (const snapshot of snapshots.toSorted((a, b) => b.seq - a.seq)) {
    const budget = new TreeBudget();
    const pending: { readonly path: Uint8Array; readonly from: TreeNode | Snapshot }[] = [];
    pending.push({ path: new Uint8Array(), from: snapshot });
    for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
      const subtree = 'rootTree' in folder.from ? folder.from.rootTree : folder.from.subtree;
      for await (const node of each(budget.parts(subtree, repository.childParts(folder.from)))) {
        const path = joinPath(folder.path, node.name);
        if (pattern.matches(node.name, () => withSlash(path)) && isNew(versions, versionKey(path, node))) {
          yield { path, node, snapshot };
        }
        if (node.type !== NodeType.directory || node.subtree === undefined) continue;
        if (isNew(walked, `${hex(node.subtree)} ${hex(path)}`)) pending.push({ path, from: node });
      }
    }
  }
}

async function* each(parts: AsyncIterable<readonly TreeNode[]>): AsyncGenerator<TreeNode> {
  for await (const nodes of parts) yield* nodes;
}

function isNew(seen: Set<string>, key: string): boolean {
  const before = seen.size;
  return seen.add(key).size > before;
}

/** Folders are one version as long as they are folders: what changes in them is told by what lies in them. */
function versionKey(path: Uint8Array, node: TreeNode): string {
  const link = node.linkTarget === undefined ? '' : hex(node.linkTarget);
  const own = node.type === NodeType.directory ? '' : `${node.mtime} ${node.size} ${contentKey(node)} ${link}`;
  return `${hex(path)} ${node.type} ${own}`;
}
