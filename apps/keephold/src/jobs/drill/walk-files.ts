/** Every regular file of a snapshot, going around folders whose lists cannot be read. */
import { EngineError, NodeType, type Repository, type Snapshot, TreeBudget, type TreeNode } from '@keephold/engine';
import { joinPath } from '../../listing/node-text.ts';

export interface WalkedFile {
  /** In the snapshot. */
  readonly path: Uint8Array;
  readonly node: TreeNode;
}

export interface DamagedFolder {
  readonly path: Uint8Array;
  readonly reason: string;
}

/** Longer ones no honest tree has; nothing here could open them. */
const MAX_PATH = 65_536;

interface Folder {
  readonly path: Uint8Array;
  readonly from: TreeNode | Snapshot;
}

export async function* walkFiles(
  repository: Repository,
  snapshot: Snapshot,
  onDamage: (folder: DamagedFolder) => void,
): AsyncGenerator<WalkedFile> {
  const budget = new TreeBudget();
  const pending: Folder[] = [{ path: new Uint8Array(), from: snapshot }];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const subtree = 'rootTree' in folder.from ? folder.from.rootTree : folder.from.subtree;
    try {
      for await (const nodes of budget.parts(subtree, repository.childParts(folder.from))) {
        for (const node of nodes) {
          if (folder.path.length + node.name.length > MAX_PATH) continue;
          const path = joinPath(folder.path, node.name);
          if (node.type === NodeType.file) yield { path, node };
          else if (node.type === NodeType.directory && node.subtree !== undefined) pending.push({ path, from: node });
        }
      }
    } catch (error) {
      if (!(error instanceof EngineError) || (error.code !== 'damaged' && error.code !== 'missing')) throw error;
      onDamage({ path: folder.path, reason: error.message });
    }
  }
}
