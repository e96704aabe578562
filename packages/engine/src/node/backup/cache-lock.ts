/**
 * Lends the cache folder to one process at a time: two that wrote its files would mix their numbers of packs. Who comes
 * second gets an empty folder of its own and reads everything again; that is slower and just as right.
 *
 * The lock is one of SQLite's on an empty file, because the system lets go of it when a process dies.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const OWN_PREFIX = 'own-';

export interface LentCache extends Disposable {
  readonly folder: string;
}

/** Takes `folder`, or one of its own below it. */
export function lendCache(folder: string): LentCache {
  const lock = tryLock(folder);
  if (lock !== undefined) {
    removeAbandoned(folder);
    return { folder, [Symbol.dispose]: () => lock.close() };
  }
  const own = mkdtempSync(join(folder, OWN_PREFIX));
  const ownLock = tryLock(own);
  return {
    folder: own,
    [Symbol.dispose]: () => {
      ownLock?.close();
      rmSync(own, { recursive: true, force: true });
    },
  };
}

/** Undefined when another process has it. */
function tryLock(folder: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    database = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}

const BUSY = 5;

function isBusy(error: unknown): boolean {
  return ((error as { readonly errcode?: number }).errcode ?? 0) % 256 === BUSY;
}

/** Folders of processes that were killed. A folder without a lock yet has just been made. */
function removeAbandoned(folder: string): void {
  for (const name of readdirSync(folder)) {
    const own = join(folder, name);
    if (!name.startsWith(OWN_PREFIX) || !existsSync(join(own, 'lock'))) continue;
    const lock = tryLock(own);
    lock?.close();
    if (lock !== undefined) rmSync(own, { recursive: true, force: true });
  }
}
