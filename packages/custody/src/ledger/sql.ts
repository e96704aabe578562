/**
 * The little SQL that the ledger needs, so that one set of statements runs on SQLite and PostgreSQL. Statements use `?`
 * for values and only what both dialects read the same; a driver turns `?` into what its database wants.
 */
export type SqlValue = number | string | Uint8Array | null;

/** Columns in the order of the statement. */
export type SqlRow = readonly SqlValue[];

export type SqlErrorCode =
  | 'busy' // another writer did not finish in time
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
  /** Runs `work` alone on this connection, outside a transaction. */
  read<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * Runs `work` holding the database's write lock (serialisable). What it did is there when this resolves, and not at
   * all when it rejects. `work` may wait for other things, files for instance, while the lock is held.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
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
