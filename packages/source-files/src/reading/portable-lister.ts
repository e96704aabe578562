/** Lists directories by node:fs, where the C library cannot be called. */
import { lstatSync, readdirSync } from 'node:fs';
import { type DirectoryListing, type EntryFailure, SourceError, STAT_ROW_WORDS } from '@keephold/engine';
import { type DirectoryLister, type NameFilter, rowNumbers } from './list-directory.ts';
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
  const names = only === undefined ? entries(folder, keep) : [...only];
  names.sort();
  const failures: EntryFailure[] = [];
  const found: string[] = [];
  const stats = new Uint32Array(names.length * STAT_ROW_WORDS);
  for (const name of names) {
    try {
      const stat = lstatSync(Buffer.concat([folder, SLASH, Buffer.from(name, 'latin1')]), { bigint: true });
      copyStats(stat, stats, found.length * STAT_ROW_WORDS);
      found.push(name);
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? 'EIO';
      if (code !== 'ENOENT' || only !== undefined) failures.push({ name: Buffer.from(name, 'latin1'), code });
    }
  }
  return { count: found.length, names: found, rows: rowNumbers(found.length), stats, failures };
}

function entries(folder: Buffer, keep: NameFilter | undefined): string[] {
  try {
    return readdirSync(folder, { encoding: 'buffer', withFileTypes: true }).flatMap((entry) => {
      const name = (entry.name as unknown as Buffer).toString('latin1');
      return keep === undefined || keep(name, entry.isDirectory()) ? [name] : [];
    });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'EIO';
    throw new SourceError(code, `list folder: ${code} (${folder.toString()})`, { cause });
  }
}
