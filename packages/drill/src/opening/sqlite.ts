/**
 * Opens an SQLite database with SQLite itself and lets it look at all of it: integrity_check, which compares indexes with
 * tables, up to 64 MB, quick_check above. A journal or write-ahead log beside it is applied, as the next program would:
 * so it must be a copy. The schema is hostile: nothing in it may call what changes or reads anything else.
 */
import { DatabaseSync } from 'node:sqlite';
import { BrokenFileError, UndecidedFileError } from '../errors.ts';
import type { Done } from './opened.ts';

/** Up to which indexes are compared with tables; that takes several times as long. */
const FULL_CHECK_BYTES = 64e6;
/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const CORRUPT = new Set([11, 26]);

export function openSqlite(path: Uint8Array, size: number): Done {
  const check = size <= FULL_CHECK_BYTES ? 'integrity_check' : 'quick_check';
  let rows: readonly string[];
  try {
    using database = new DatabaseSync(Buffer.from(path));
    database.exec(
      'PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -16000',
    );
    rows = database
      .prepare(`PRAGMA ${check}(5)`)
      .all()
      .map((row) => String(Object.values(row)[0]));
  } catch (cause) {
    throw explained(cause);
  }
  if (rows.length !== 1 || rows[0] !== 'ok')
    throw new BrokenFileError(`SQLite finds: ${rows.join('; ').slice(0, 500)}`);
  return { did: `opened with SQLite, ${check.replace('_', ' ')} is ok`, toTheEnd: true };
}

/** What SQLite calls corrupt is broken; anything else, such as a collation only its program has, is not known. */
function explained(cause: unknown): Error {
  const { errcode, message } = cause as { readonly errcode?: unknown; readonly message?: unknown };
  const isCorrupt = typeof errcode === 'number' && CORRUPT.has(errcode & 0xff);
  const text = `SQLite says: ${String(message)}`;
  return isCorrupt ? new BrokenFileError(text, { cause }) : new UndecidedFileError(text, { cause });
}
