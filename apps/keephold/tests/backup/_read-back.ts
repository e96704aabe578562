/** Files of a snapshot as a reader gets them. */
import { writeFileSync } from 'node:fs';
import type { TreeNode } from '@keephold/engine';
import type { BackupRepository } from './_backup-repository.ts';

export interface StoredFile {
  readonly node: TreeNode;
  readonly bytes: Buffer;
}

/** Files directly below `root` in the latest snapshot, by name. */
export async function readBack(backups: BackupRepository, root: string): Promise<ReadonlyMap<string, StoredFile>> {
  return await backups.read(async (repository) => {
    const snapshot = await repository.snapshot('latest');
    const files = new Map<string, StoredFile>();
    for await (const { path, node } of repository.walk(snapshot)) {
      const name = `/${Buffer.from(path).toString('latin1')}`.replace(/^\/+/, '/');
      if (node.type !== 0 || !name.startsWith(`${root}/`)) continue;
      const parts: Uint8Array[] = [];
      if (node.content !== undefined)
        for await (const some of repository.readFile(node)) parts.push(Uint8Array.from(some));
      files.set(name.slice(root.length + 1), { node, bytes: Buffer.concat(parts) });
    }
    return files;
  });
}

/** Puts a database and the files beside it where SQLite can open them. */
export function putBack(files: ReadonlyMap<string, StoredFile>, name: string, target: string): void {
  for (const ending of ['', '-wal', '-shm', '-journal']) {
    const file = files.get(name + ending);
    if (file !== undefined) writeFileSync(target + ending, file.bytes);
  }
}
