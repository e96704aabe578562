/** What is known of the target's side of a directory while the walk is in it. */
import { NodeType, SQLITE_BACKUP, type TreeNode } from '../../node-fields.ts';
import type { ExistingEntry, Target } from '../../target.ts';
import { joinPath } from './judge-name.ts';

export type Overwrite = 'never' | 'if-changed' | 'always';

/** Names in the target as one code unit a byte; undefined when the directory is new, so that nothing can be there. */
export type ExistingNames = Set<string> | undefined;

export function nameKey(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1');
}

export function listNames(target: Target, path: Uint8Array): Set<string> {
  return new Set(target.list(path).map(nameKey));
}

/** The entry at `path`; undefined without a call when its directory is known not to have the name. */
export function existingEntry(
  target: Target,
  names: ExistingNames,
  path: Uint8Array,
  name: Uint8Array,
): ExistingEntry | undefined {
  return names?.has(nameKey(name)) === true ? target.inspect(path) : undefined;
}

/**
 * Same type, size and time: taken for the same content. A symbolic link's size is the length of its target. A copy that
 * SQLite made may have the size and time of its database and hold more.
 */
export function looksIdentical(existing: ExistingEntry, node: TreeNode): boolean {
  if (node.note === SQLITE_BACKUP) return false;
  if (existing.type !== node.type || existing.mtime !== node.mtime) return false;
  if (node.type === NodeType.file) return existing.size === (node.size ?? 0);
  if (node.type === NodeType.symlink) return existing.size === node.linkTarget?.length;
  return true;
}

/**
 * Names that the target has and the snapshot has not. A file system that folds case or normalisation lists a name of
 * the snapshot under another spelling: what is the same file as one of its names is no stranger.
 */
export function strangers(
  target: Target,
  directory: Uint8Array,
  left: ReadonlySet<string>,
  seen: ReadonlyMap<string, string>,
): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const key of left) {
    const path = joinPath(directory, Buffer.from(key, 'latin1'));
    const twin = seen.get(foldedName(key));
    if (twin !== undefined) {
      const inode = target.inspect(joinPath(directory, Buffer.from(twin, 'latin1')))?.inode;
      if (inode !== undefined && inode === target.inspect(path)?.inode) continue;
    }
    found.push(path);
  }
  return found;
}

/** The form under which file systems may take two names for one. */
export function foldedName(key: string): string {
  return Buffer.from(key, 'latin1').toString('utf8').normalize('NFC').toLowerCase();
}
