/** What a restore must leave alone in its target: the repository that it reads, and what this device keeps of it. */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { repositoryFolder } from '../access/repository-folder.ts';
import { bytesFromRawText } from '../command-line/raw-text.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../errors.ts';

/**
 * Relative to the target, in the form of a snapshot's paths.
 * @throws UsageError when the target is in the repository
 */
export function protectedFolders(context: Pick<Context, 'globals' | 'environment'>, target: string): Uint8Array[] {
  const { folders } = context.environment;
  const root = realPath(target);
  const repository = realPath(repositoryFolder(context));
  if (isWithin(repository, root)) {
    throw new UsageError(`the target ${target} is in the repository itself`, 'name another folder with --target');
  }
  return [repository, realPath(folders.state), realPath(folders.cache)]
    .filter((folder) => isWithin(root, folder))
    .map((folder) => bytesFromRawText(relative(root, folder).split(sep).join('/')));
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !/^[a-z]:/i.test(way);
}

/** Without links in it, as far as it is there. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}
