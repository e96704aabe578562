/** The SQL seam for others that keep records beside the ledger: the same statements on every database (ADR 2). */

export { type DatabaseUse, measuredDatabase, type OnDatabaseUse } from './ledger/measured-database.ts';
export { openPostgres } from './ledger/postgres/open-postgres.ts';
export {
  bytesAt,
  numberAt,
  optionalNumberAt,
  type Sql,
  type SqlDatabase,
  SqlError,
  type SqlErrorCode,
  type SqlRow,
  type SqlValue,
} from './ledger/sql.ts';
export { SqliteDatabase } from './ledger/sqlite-database.ts';
