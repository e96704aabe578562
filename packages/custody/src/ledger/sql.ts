/**
 * The little SQL that the ledger needs, so that one set of statements runs on SQLite and PostgreSQL. Statements use `?`
 * for values, BLOB, BIGINT and TEXT for columns, and else only what both dialects read the same; a driver turns `?` and
 * BLOB into what its database wants.
 */
export type SqlValue = number | string | Uint8Array | null;

/** Columns in the order of the statement. */
export type SqlRow = readonly SqlValue[];

export type SqlErrorCode =
  | 'busy' // another writer did not finish in time
  | 'unavailable' // the database cannot be reached; what was not committed did not happen
  | 'no-permission'
  | 'newer-version' // of the tables
  | 'damaged' // the database is not one, or broken
  | 'no-room'
  | 'read-only'
  | 'failed';

export class SqlError extends Error {
  readonly code: SqlErrorCode;
  constructor(code: SqlErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SqlError';
    this.code = code;
  }
}

export interface Sql {
  query(text: string, ...values: readonly SqlValue[]): Promise<readonly SqlRow[]>;
}

export interface SqlDatabase {
  /**
   * Runs `work` outside a transaction: each statement sees what was committed before it. Nothing is written here: a
   * statement whose connection was lost is sent again.
   */
  read<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * Runs `work` as if nobody else used the database (serialisable). What it did is there when this resolves, and not at
   * all when it rejects; only 'unavailable' leaves open which. It may run more than once before that, when it met another
   * transaction: what it does besides `sql` must bear that.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * As `transaction`, for work on what `lock` names and nobody touches without it: one in the world runs at a time, once,
   * on what the one before left. It may wait for other things, files for instance, while it holds the lock; when the
   * connection breaks meanwhile the lock is gone, and the next statement rejects.
   */
  exclusive<T>(lock: Uint8Array, work: (sql: Sql) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function numberAt(row: SqlRow, index: number): number {
  const value = row[index];
  if (typeof value === 'number') return value;
  throw new SqlError('damaged', `read ledger: column ${index} is no number`);
}

export function bytesAt(row: SqlRow, index: number): Uint8Array {
  const value = row[index];
  if (value instanceof Uint8Array) return value;
  throw new SqlError('damaged', `read ledger: column ${index} is not bytes`);
}

export function optionalNumberAt(row: SqlRow, index: number): number | undefined {
  return row[index] === null ? undefined : numberAt(row, index);
}
