/** The ledger as an SQLite file of one repository. */
import { rm } from 'node:fs/promises';
import type { AccountId, VaultId } from '@keephold/protocol';
import type { LedgerDatabase, OpenLedger } from './ledger-database.ts';
import { createTables, LEDGER_VERSION, LEDGER_VERSION_BEFORE } from './schema.ts';
import { type Sql, type SqlDatabase, SqlError } from './sql.ts';

type OpenDatabase = (path: string) => Promise<SqlDatabase>;

export class FileLedger implements LedgerDatabase {
  readonly place: string;
  readonly #openDatabase: OpenDatabase;

  /** `openDatabase` opens in place of SQLite, ':memory:' included. */
  constructor(path: string, openDatabase: OpenDatabase = openSqlite) {
    this.place = path;
    this.#openDatabase = openDatabase;
  }

  async open(account: AccountId): Promise<OpenLedger> {
    const ledger = await this.#opened();
    try {
      await prepare(ledger.database, account);
      return ledger;
    } catch (error) {
      await ledger.database.close();
      throw error;
    }
  }

  keyOf(_account: AccountId, vault: VaultId): Uint8Array {
    return vault;
  }

  async discard(ledger: OpenLedger | undefined): Promise<void> {
    try {
      await ledger?.database.close();
    } catch {
      // It is damaged: closing is a courtesy.
    }
    for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(this.place + suffix, { force: true });
  }

  async close({ database }: OpenLedger): Promise<void> {
    await database.close();
  }

  async #opened(): Promise<OpenLedger> {
    try {
      return { database: await this.#openDatabase(this.place), isCopy: false };
    } catch (error) {
      if (!(error instanceof SqlError) || error.code !== 'read-only') throw error;
      // A repository on a medium that cannot be written is still read, through a ledger in memory.
      return { database: await this.#openDatabase(':memory:'), isCopy: true };
    }
  }
}

/** Loaded here: a command that touches no ledger should not pay for it. */
async function openSqlite(path: string): Promise<SqlDatabase> {
  const { SqliteDatabase } = await import('./sqlite-database.ts');
  return await SqliteDatabase.open(path);
}

async function prepare(database: SqlDatabase, account: AccountId): Promise<void> {
  if (await database.read(async (sql) => await isPrepared(sql, account))) return;
  await database.transaction(async (sql) => {
    await createTables(sql);
    await sql.query(
      'UPDATE ledger SET version = ? WHERE account_id = ? AND version = ?',
      LEDGER_VERSION,
      account,
      LEDGER_VERSION_BEFORE,
    );
    if (await isPrepared(sql, account)) return;
    const others = await sql.query('SELECT version FROM ledger');
    if (others.length > 0) throw new SqlError('damaged', 'open ledger: it belongs to another version or repository');
    await sql.query('INSERT INTO ledger (account_id, version) VALUES (?, ?)', account, LEDGER_VERSION);
  });
}

async function isPrepared(sql: Sql, account: AccountId): Promise<boolean> {
  try {
    const rows = await sql.query('SELECT version FROM ledger WHERE account_id = ?', account);
    return rows[0]?.[0] === LEDGER_VERSION;
  } catch (error) {
    // No tables yet.
    if (error instanceof SqlError && error.code === 'failed') return false;
    throw error;
  }
}
