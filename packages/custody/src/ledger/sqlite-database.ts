/**
 * SQLite through node:sqlite, which is synchronous: a lock that another connection holds is waited for with timers, not
 * inside SQLite, because the holder may be this very process and needs its event loop.
 */
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { LONGEST_PAUSE } from './give-way.ts';
import { type Sql, type SqlDatabase, SqlError, type SqlErrorCode, type SqlRow, type SqlValue } from './sql.ts';
import { Turns } from './turns.ts';

/** Result codes of SQLite (sqlite.org/rescode.html), lowest 8 bits. */
const CODES: Readonly<Record<number, SqlErrorCode>> = {
  5: 'busy',
  6: 'busy',
  8: 'read-only',
  11: 'damaged',
  13: 'no-room',
  14: 'read-only',
  26: 'damaged',
};
/** A commit holds the lock for some fsyncs; the longest holder is a replay of a large chain. */
const PATIENCE = 120_000;

export class SqliteDatabase implements SqlDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #turns = new Turns();
  readonly #sql: Sql;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#sql = { query: async (text, ...values) => this.#query(text, values) };
  }

  /**
   * Opens or creates; `:memory:` is a database of this process only. Write-ahead log, and by default a cache: with
   * synchronous = NORMAL a power cut may lose the last transactions, never consistency, and what is lost of a ledger is
   * replayed from the chain. What exists nowhere else is 'durable': on the disk when a transaction resolves.
   */
  static async open(path: string, kept: 'cache' | 'durable' = 'cache'): Promise<SqliteDatabase> {
    return await patiently(async () => {
      const database = new DatabaseSync(path, { timeout: 0 });
      try {
        database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${kept === 'cache' ? 'NORMAL' : 'FULL'};`);
        return new SqliteDatabase(database);
      } catch (error) {
        database.close();
        throw error;
      }
    });
  }

  async read<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return await this.#turns.take(async () => await work(this.#sql));
  }

  async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return await this.#turns.take(async () => {
      await patiently(async () => this.#database.exec('BEGIN IMMEDIATE'));
      try {
        const result = await work(this.#sql);
        this.#exec('COMMIT');
        return result;
      } catch (error) {
        this.#rollBack();
        throw error;
      }
    });
  }

  /** SQLite has one writer at a time, whatever it writes. */
  async exclusive<T>(_lock: Uint8Array, work: (sql: Sql) => Promise<T>): Promise<T> {
    return await this.transaction(work);
  }

  async close(): Promise<void> {
    await this.#turns.take(async () => {
      this.#statements.clear();
      this.#database.close();
    });
  }

  #rollBack(): void {
    // SQLite may have rolled back by itself, on a full disk for instance.
    if (this.#database.isTransaction) this.#exec('ROLLBACK');
  }

  #exec(text: string): void {
    try {
      this.#database.exec(text);
    } catch (error) {
      throw asSqlError(error);
    }
  }

  #query(text: string, values: readonly SqlValue[]): readonly SqlRow[] {
    try {
      let statement = this.#statements.get(text);
      if (statement === undefined) {
        statement = this.#database.prepare(text);
        statement.setReturnArrays(true);
        this.#statements.set(text, statement);
      }
      return statement.all(...values).map((row) => (row as unknown as SQLOutputValue[]).map(asSqlValue));
    } catch (error) {
      throw asSqlError(error);
    }
  }
}

function asSqlValue(value: SQLOutputValue): SqlValue {
  if (typeof value === 'bigint') throw new SqlError('damaged', 'read ledger: an integer beyond 2^53');
  return value;
}

function asSqlError(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error;
  const code = CODES[error.errcode & 0xff] ?? 'failed';
  return new SqlError(code, `use ledger: ${error.message}`, { cause: error });
}

async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  const start = performance.now();
  for (let pause = 1; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
    try {
      return await attempt();
    } catch (error) {
      const failure = asSqlError(error);
      const busy = failure instanceof SqlError && failure.code === 'busy';
      if (!busy || performance.now() - start > PATIENCE) throw failure;
      await sleep(pause);
    }
  }
}
