/** Lists the objects beneath a folder in the order of their names. Files with names this seam does not allow are not objects. */
import { join } from 'node:path';
import type { ListedObject } from './backend.ts';
import type { Disk } from './disk.ts';
import { errnoOf } from './errors.ts';
import { isSegment } from './name.ts';
import { TEMPORARY_FOLDER } from './temporary-files.ts';

/** As many stats at once keep the thread pool busy without holding a whole large directory in flight. */
const STATS_AT_ONCE = 64;

export async function* listFolder(disk: Disk, root: string, prefix: string): AsyncGenerator<ListedObject> {
  const names = (await entries(disk, join(root, prefix))).filter(isSegment).sort(bySegment);
  for (let at = 0; at < names.length; at += STATS_AT_ONCE) {
    const batch = names
      .slice(at, at + STATS_AT_ONCE)
      .map((segment) => (prefix === '' ? segment : `${prefix}/${segment}`));
    const stats = await Promise.all(batch.map(async (name) => await statOrGone(disk, join(root, name))));
    for (const [index, name] of batch.entries()) {
      const found = stats[index];
      if (found?.kind === 'file' && found.size > 0) {
        yield { name, size: found.size, modifiedAt: found.modifiedAt };
      } else if (found?.kind === 'directory' && name !== TEMPORARY_FOLDER) {
        yield* listFolder(disk, root, name);
      }
    }
  }
}

async function entries(disk: Disk, path: string): Promise<readonly string[]> {
  try {
    return await disk.list(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}

async function statOrGone(disk: Disk, path: string): Promise<Awaited<ReturnType<Disk['stat']>> | undefined> {
  try {
    return await disk.stat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

// ASCII only, so code units are bytes.
function bySegment(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
