/** A directory that the walk is in: what the snapshot has in it, what the target has there, and how it is made. */
import { NodeType, type TreeNode } from '../../node-fields.ts';
import type { Outcome } from './account.ts';
import { failureOf } from './item-failure.ts';
import { joinPath } from './judge-name.ts';
import { type ExistingNames, listNames, nameKey } from './target-directory.ts';
import type { RestoreWalkOptions } from './walk-options.ts';

/** A directory that the walk is in. */
export interface OpenDirectory {
  readonly path: Uint8Array;
  readonly parent: OpenDirectory | undefined;
  readonly depth: number;
  /** Undefined for the root of the file system. */
  readonly node: TreeNode | undefined;
  readonly parts: AsyncIterator<readonly TreeNode[]>;
  nodes: readonly TreeNode[];
  next: number;
  /** Names in the target; undefined: it is new. */
  names: ExistingNames;
  /** Names that were not met yet (only with --delete, and in the target's own directory). */
  left: Set<string> | undefined;
  /** Names of the snapshot by their folded form (as `left`). */
  readonly seen: Map<string, string>;
  /** All of it is wanted, or only something in it. */
  readonly selected: boolean;
  /** It is there, or will be without our doing (dry run). */
  made: boolean;
  existed: boolean;
  /** Set when it cannot be made: everything in it shares this fate. */
  blocked: { readonly outcome: Outcome; readonly reason: string } | undefined;
  previous: Uint8Array | undefined;
}

export const emptyDirectory = {
  nodes: [],
  next: 0,
  names: undefined,
  left: undefined,
  made: false,
  existed: false,
  blocked: undefined,
  previous: undefined,
} as const;

/** Makes a directory and those above it that are not made yet. */
export function makeDirectory(options: RestoreWalkOptions, directory: OpenDirectory): void {
  if (directory.made || directory.blocked !== undefined) return;
  const { parent } = directory;
  if (parent !== undefined && !parent.made) {
    options.account.plannedItems++;
    makeDirectory(options, parent);
  }
  if (parent?.blocked !== undefined) {
    directory.blocked = parent.blocked;
    return;
  }
  try {
    directory.blocked = makeOne(options, directory);
    directory.made = directory.blocked === undefined;
  } catch (cause) {
    directory.blocked = { outcome: 'failed', reason: `its directory cannot be made: ${failureOf(cause).reason}` };
  }
}

function makeOne(options: RestoreWalkOptions, directory: OpenDirectory): OpenDirectory['blocked'] {
  const { target, dryRun, overwrite } = options;
  const { parent, path, node } = directory;
  const listed = parent?.names?.has(nameKey(node!.name)) === true;
  const existing = parent?.names === undefined && dryRun ? undefined : target.inspect(path);
  if (existing !== undefined && !listed) {
    return { outcome: 'failed', reason: 'another name of its directory is the same one to this file system' };
  }
  if (existing !== undefined && existing.type !== NodeType.directory) {
    if (overwrite === 'never') return { outcome: 'skipped', reason: 'something that is no directory has its name' };
    if (!dryRun) target.remove(path);
  }
  directory.existed = existing?.type === NodeType.directory;
  if (!dryRun) target.makeDirectory(path);
  if (directory.existed) lookInto(options, directory);
  return undefined;
}

/** Lists what the target has there. */
export function lookInto(options: RestoreWalkOptions, directory: OpenDirectory): void {
  const { target, isLeftover, dryRun, delete: deletes } = options;
  const names = listNames(target, directory.path);
  for (const key of names) {
    const name = Buffer.from(key, 'latin1');
    if (!isLeftover(name)) continue;
    names.delete(key);
    if (!dryRun) target.remove(joinPath(directory.path, name));
  }
  directory.names = names;
  // Whether the target's own directory holds other things decides about its metadata, also when nothing is deleted.
  if ((deletes && directory.selected) || directory.parent === undefined) directory.left = new Set(names);
}
