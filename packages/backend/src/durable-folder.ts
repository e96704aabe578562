/** Makes folders that outlast a power cut: each new one is a name in the folder above it. */
import { join } from 'node:path';
import type { Disk } from './disk.ts';

export interface FolderMaking {
  readonly disk: Pick<Disk, 'makeDirectory'>;
  /** Makes the names in a folder durable. */
  readonly sync: (path: string) => Promise<void>;
}

/** With its parents. `path` as `join` makes it. */
export async function makeDurableFolder(path: string, { disk, sync }: FolderMaking): Promise<void> {
  const top = await disk.makeDirectory(path);
  if (top === undefined) return;
  for (let made = path; ; made = join(made, '..')) {
    await sync(join(made, '..'));
    if (made === top || join(made, '..') === made) return;
  }
}
