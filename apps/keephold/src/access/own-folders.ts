/**
 * What is Keephold's own below a folder: the repository in use, and what this device keeps of it. A backup stores none of
 * it (a repository that held itself would double with every run, and keys are not to be backed up), a restore deletes
 * none of it.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { bytesFromRawText } from '../command-line/raw-text.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../errors.ts';
import { isServer, repositoryPlace } from './repository-folder.ts';

/**
 * Relative to the folder, in the form of a snapshot's paths; the empty path when the folder is one of them or in one.
 * @throws UsageError when the folder is in the repository
 */
export function ownFoldersBelow(context: Pick<Context, 'globals' | 'environment'>, folder: string): Uint8Array[] {
  const { state, cache } = context.environment.folders;
  const root = realPath(folder);
  const place = repositoryPlace(context);
  const repository = isServer(place) ? [] : [realPath(place)];
  if (repository.some((own) => isWithin(own, root)))
    throw new UsageError(`${folder} is in the repository itself`, 'name another folder');
  return [...repository, realPath(state), realPath(cache)].flatMap((own) => {
    if (isWithin(own, root)) return [new Uint8Array(0)];
    return isWithin(root, own) ? [bytesFromRawText(relative(root, own).split(sep).join('/'))] : [];
  });
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
