/** Folders in the target that a restore must leave alone whatever it is told to delete: the repository it reads from, above all. */
import { equalBytes } from '@keephold/bytes';

/** Whether the path is one of the folders, lies in one, or has one in it. The target's own directory is the empty path. */
export function touchesProtected(paths: readonly Uint8Array[], path: Uint8Array): boolean {
  return paths.some((folder) => isWithin(folder, path) || isWithin(path, folder));
}

function isWithin(folder: Uint8Array, path: Uint8Array): boolean {
  if (folder.length === 0) return true;
  if (!equalBytes(folder, path.subarray(0, folder.length))) return false;
  return path.length === folder.length || path[folder.length] === 0x2f;
}
