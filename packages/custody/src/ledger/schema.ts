/**
 * Tables of the ledger. Every key starts with what stands for the vault, and that with the account's id where many share
 * the tables: they can be spread over machines by it. Times are unix milliseconds.
 */
import type { Migration } from './migrate.ts';
import type { Sql } from './sql.ts';

/** A ledger file of another version is thrown away and replayed. */
export const LEDGER_VERSION = 3;
/** The same but for tables that were added; one of it goes on. */
export const LEDGER_VERSION_BEFORE = 2;

const TABLES: readonly string[] = [
  `vault (vault_id BLOB PRIMARY KEY, head_seq BIGINT NOT NULL, head_hash BLOB NOT NULL, ledger_time BIGINT NOT NULL,
    keychain_seq BIGINT NOT NULL)`,
  `chain_commit (vault_id BLOB NOT NULL, seq BIGINT NOT NULL, hash BLOB NOT NULL, kind BIGINT NOT NULL,
    device_id BLOB, stream_id BLOB, object BLOB, received_at BIGINT NOT NULL, parent_seq BIGINT NOT NULL,
    refset_digest BLOB, state BIGINT NOT NULL, trashed_at BIGINT NOT NULL, PRIMARY KEY (vault_id, seq))`,
  `named_object (vault_id BLOB NOT NULL, name BLOB NOT NULL, device_id BLOB NOT NULL, seq BIGINT NOT NULL,
    role BIGINT NOT NULL, size BIGINT NOT NULL, superseded_at BIGINT NOT NULL,
    PRIMARY KEY (vault_id, name, device_id))`,
  `pack_shard (vault_id BLOB NOT NULL, shard BIGINT NOT NULL, records BLOB NOT NULL, PRIMARY KEY (vault_id, shard))`,
  `use_day (vault_id BLOB NOT NULL, day BIGINT NOT NULL, used_at BIGINT NOT NULL, PRIMARY KEY (vault_id, day))`,
];

const SIZE_TABLE = 'vault_size (vault_id BLOB PRIMARY KEY, pack_bytes BIGINT NOT NULL, object_bytes BIGINT NOT NULL)';
const FILE_TABLE = `ledger (account_id BLOB PRIMARY KEY, version BIGINT NOT NULL)`;

/** Of a ledger file, which says whose it is. */
export async function createTables(sql: Sql): Promise<void> {
  for (const table of [FILE_TABLE, ...TABLES, SIZE_TABLE]) await sql.query(`CREATE TABLE IF NOT EXISTS ${table}`);
}

/** Of the ledgers of many. */
export const LEDGER_MIGRATIONS: readonly Migration[] = [
  TABLES.map((table) => `CREATE TABLE ${table}`),
  [`CREATE TABLE ${SIZE_TABLE}`],
];
