/**
 * Who creates a repository does so alone, and from nothing: what an earlier creation left that was cut short is cleared
 * away. Nothing is taken for such remains but files that a creation makes, under the names that it gives; a folder that
 * ever was a repository has more.
 */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { CustodyError } from '@keephold/protocol';
import { LEDGER } from './layout.ts';
import { type SqlDatabase, SqlError } from './ledger/sql.ts';

/** Folders and files that are made before the marker. They hold nothing of anyone's. */
const FOLDERS = ['account', 'parity', 'tmp'];
const REMAINS: readonly RegExp[] = [
  /^readme\.txt$/,
  /^ledger\.sqlite(-wal|-shm|-journal)?$/,
  /^(parity|(parity\/)?account(\/(keychain|slots|keyring|grants)(\/[0-9a-f]+)?)?)$/,
  /^tmp(\/[a-z0-9-]+\.\d+\.\d+)?$/,
];
/** A database without a table; what was only begun has no more. */
const EMPTY_DATABASE = 4096;

/**
 * Runs `create` holding the write lock of the repository that is to be; the system lets go of it when a process dies.
 * @throws CustodyError 'refused' when the folder has something in it that no creation leaves
 */
export async function creatingAlone(path: string, create: () => Promise<void>): Promise<void> {
  // Before anything is put there.
  await requireEmpty(path);
  const database = await openDatabase(path);
  try {
    await database.transaction(async () => {
      // Another may have been done with it while we waited.
      await requireEmpty(path);
      for (const name of [...FOLDERS, 'readme.txt']) await rm(join(path, name), { recursive: true, force: true });
      await create();
    });
  } finally {
    await database.close();
  }
}

async function openDatabase(path: string): Promise<SqlDatabase> {
  const { SqliteDatabase } = await import('./ledger/sqlite-database.ts');
  try {
    return await SqliteDatabase.open(join(path, LEDGER));
  } catch (error) {
    if (!(error instanceof SqlError) || error.code !== 'damaged') throw error;
  }
  // A power cut took what was being written; nothing was in it yet.
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(join(path, LEDGER + suffix), { force: true });
  return await SqliteDatabase.open(join(path, LEDGER));
}

async function requireEmpty(path: string): Promise<void> {
  if (await isEmpty(path)) return;
  throw new CustodyError('refused', `create repository in ${path}: the folder is not empty`);
}

/** But for remains. Folders are looked into only when their names are right: there may be millions of files. */
async function isEmpty(path: string): Promise<boolean> {
  const top = await readdir(path);
  if (!top.every(isRemains)) return false;
  if (top.includes(LEDGER) && (await lstat(join(path, LEDGER))).size > EMPTY_DATABASE) return false;
  for (const folder of FOLDERS.filter((name) => top.includes(name))) {
    const found = await readdir(join(path, folder), { recursive: true, withFileTypes: true });
    const names = found.map(({ parentPath, name }) => relative(path, join(parentPath, name)).split(sep).join('/'));
    if (!names.every(isRemains)) return false;
  }
  return true;
}

function isRemains(name: string): boolean {
  return REMAINS.some((pattern) => pattern.test(name));
}
