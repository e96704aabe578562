/** Lists directories by node:fs, where the C library cannot be called. */
import { lstatSync, readdirSync } from 'node:fs';
import { type DirectoryListing, SourceError } from '@keephold/engine';
import { type DirectoryLister, ListingRows, type NameFilter } from './list-directory.ts';
import { copyStats } from './portable-rows.ts';

const SLASH = Buffer.from('/');

export function createPortableLister(): DirectoryLister {
  return { list: listPortably };
}

function listPortably(
  path: Uint8Array,
  keep: NameFilter | undefined,
  only: readonly string[] | undefined,
): DirectoryListing {
  const folder = path.length === 0 ? SLASH : Buffer.from(path);
  const rows = new ListingRows();
  for (const { name, isDirectory } of only?.map((text) => ({ name: Buffer.from(text, 'latin1'), isDirectory: true })) ??
    entries(folder)) {
    if (only === undefined && keep !== undefined && !keep(name, isDirectory)) continue;
    try {
      const stat = lstatSync(Buffer.concat([folder, SLASH, name]), { bigint: true });
      const at = rows.room(name.toString('latin1'));
      copyStats(stat, rows.stats, at);
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? 'EIO';
      if (code !== 'ENOENT') rows.failures.push({ name, code });
    }
  }
  return rows.finish();
}

function entries(folder: Buffer): readonly { readonly name: Buffer; readonly isDirectory: boolean }[] {
  try {
    return readdirSync(folder, { encoding: 'buffer', withFileTypes: true }).map((entry) => ({
      name: entry.name as unknown as Buffer,
      isDirectory: entry.isDirectory(),
    }));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'EIO';
    throw new SourceError(code, `list folder: ${code} (${folder.toString()})`, { cause });
  }
}
