/** What lies beneath a folder, told by names, sizes and times alone: cheap, and enough to see that something changed. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export type DiskState = ReadonlyMap<string, { readonly size: number; readonly modified: bigint }>;

/** Without what SQLite keeps in memory that it shares, and the cache. */
export function diskState(folder: string): DiskState {
  const found = new Map<string, { size: number; modified: bigint }>();
  const visit = (below: string): void => {
    // Names may be any bytes: one code unit a byte.
    for (const name of readdirSync(Buffer.from(join(folder, below), 'latin1'), 'latin1')) {
      const path = join(below, name);
      if (path === 'home/.cache' || name.endsWith('.sqlite-shm')) continue;
      const stat = lstatSync(Buffer.from(join(folder, path), 'latin1'), { bigint: true });
      if (stat.isDirectory()) visit(path);
      found.set(path, { size: stat.isFile() ? Number(stat.size) : 0, modified: stat.isFile() ? stat.mtimeNs : 0n });
    }
  };
  visit('');
  return found;
}

export function isSameState(one: DiskState, other: DiskState): boolean {
  if (one.size !== other.size) return false;
  for (const [path, { size, modified }] of one) {
    const found = other.get(path);
    if (found?.size !== size || found.modified !== modified) return false;
  }
  return true;
}

/** Whether `after` has paths of the kind that `before` has not. */
export function hasMore(before: DiskState, after: DiskState, kind: RegExp): boolean {
  return [...after.keys()].some((path) => kind.test(path) && !before.has(path));
}

/** Whether paths of the kind that `before` has are gone. */
export function hasLost(before: DiskState, after: DiskState, kind: RegExp): boolean {
  return hasMore(after, before, kind);
}

/** Bytes of packs and objects that `after` has and `before` has not. */
export function bytesStoredSince(before: DiskState, after: DiskState): number {
  let sum = 0;
  for (const [path, { size }] of after) if (STORED.test(path) && !before.has(path)) sum += size;
  return sum;
}

/** Under their own names: what is being written has another. */
const STORED = /^repository\/vaults\/[^/]+\/(packs|objects)\/[0-9a-f]{2}\/[0-9a-f]{64}$/;
