/** Decides about one regular file: nothing to do, metadata only, one more name of another, or content to be written. */
import { toHex } from '@keephold/bytes';
import { missingContent } from '../../missing-content.ts';
import { NodeType, type TreeNode } from '../../node-fields.ts';
import type { ExistingEntry, Target } from '../../target.ts';
import { KEPT, type Outcome } from './account.ts';
import { touchesProtected } from './protected-paths.ts';
import type { RestoreSlice } from './restore-slice.ts';
import type { SlicePlanner } from './slice-planner.ts';
import { looksIdentical } from './target-directory.ts';
import type { RestoreWalkOptions } from './walk-options.ts';

/** A sparse file may be announced larger than any disk: up to here it is tried. */
const LARGEST_PLAUSIBLE_BYTES: number = 2 ** 50;

/** Where plans go. */
export interface FilePlans {
  readonly options: RestoreWalkOptions;
  readonly planner: SlicePlanner;
  /** First names of hard-linked files, by their key. */
  readonly firstNames: Map<string, Uint8Array>;
}

export interface FileToPlan {
  readonly path: Uint8Array;
  readonly node: TreeNode;
  readonly existing: ExistingEntry | undefined;
}

/** What is to be awaited when something has to be read for a plan; a generator yields slices that become full on the way. */
export type ReadFirst = AsyncGenerator<RestoreSlice> | Promise<void> | undefined;

export function planFile(walk: FilePlans, file: FileToPlan): ReadFirst {
  const { path, node, existing } = file;
  const { account, target, overwrite, dryRun } = walk.options;
  const item = { path, type: NodeType.file, bytes: node.size ?? 0 };
  account.plannedBytes += item.bytes;
  if (node.note !== undefined) walk.options.onNote(path, node.note);
  const missing = missingContent(node);
  const settle = (outcome: Outcome, reason?: string): undefined => {
    account.add({ ...item, outcome, reason });
  };
  if (missing !== undefined) return settle('skipped', missing);
  if (existing !== undefined && overwrite === 'never') {
    account.add({ ...item, ...KEPT });
    return undefined;
  }
  const absurd = tooLarge(walk.options, node);
  if (absurd !== undefined) return settle('failed', absurd);
  const key = node.hardLink === undefined ? undefined : toHex(node.hardLink);
  const first = key === undefined ? undefined : walk.firstNames.get(key);
  if (existing !== undefined && overwrite === 'if-changed' && looksIdentical(existing, node)) {
    if (first === undefined || target.inspect(first)?.inode === existing.inode) {
      if (key !== undefined && first === undefined) walk.firstNames.set(key, path);
      if (dryRun || !needsMetadata(target, { path, node, existing })) return settle('identical');
      return walk.planner.planMetadata(path, node);
    }
  }
  if (existing?.type === NodeType.directory) {
    if (!mayReplaceDirectory(walk.options, path)) return settle('failed', 'a directory that is not empty has its name');
    if (!dryRun) target.remove(path);
  }
  if (key !== undefined && first === undefined) walk.firstNames.set(key, path);
  if (dryRun) return settle('restored');
  if (key === undefined || first === undefined)
    return walk.planner.planContent({ path, node, replace: existing !== undefined, key });
  walk.planner.slice.hardLinks.push({ path, node, exists: existing !== undefined, key });
  return undefined;
}

/** A size that only a hostile tree has must not end the restore of all else with a full disk. */
function tooLarge({ target, dryRun }: RestoreWalkOptions, { size = 0 }: TreeNode): string | undefined {
  if (dryRun || size <= LARGEST_PLAUSIBLE_BYTES || size <= target.freeBytes()) return undefined;
  return `refused: ${size} bytes are more than the target has room for`;
}

/** Whether the rest of its metadata differs, or may: attributes and flags need a closer look. */
function needsMetadata(
  target: Pick<Target, 'hasAttributes'>,
  { path, node, existing }: FileToPlan & { readonly existing: ExistingEntry },
): boolean {
  const sameOwner = existing.uid === node.uid && existing.gid === node.gid;
  if (existing.mode !== node.mode || !sameOwner) return true;
  // What the snapshot does not have must go. Setting all anew would be simpler, and change the ctime of every file.
  return node.xattrs !== undefined || node.flags !== undefined || target.hasAttributes(path);
}

/** A directory in the way of something else goes when it is empty, or when what is not in the snapshot is deleted. */
export function mayReplaceDirectory(
  { target, delete: deletes, protectedPaths }: Pick<RestoreWalkOptions, 'target' | 'delete' | 'protectedPaths'>,
  path: Uint8Array,
): boolean {
  return (deletes && !touchesProtected(protectedPaths, path)) || target.list(path).length === 0;
}
