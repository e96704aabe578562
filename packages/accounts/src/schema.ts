/**
 * Tables of the accounts. Ids, hashes and records are bytes, times unix milliseconds; for PostgreSQL the types are BYTEA
 * and BIGINT. Nothing here opens anything: password records without the setup, public keys, hashes of invitations.
 */
import { utf8Encode } from '@keephold/bytes';
import { numberAt, type Sql, type SqlDatabase } from '@keephold/custody/sql';
import { AccountsError } from './errors.ts';
import { FREE_PLAN } from './plans.ts';

/** As the plan of everybody is at first. */
const FREE_BYTES = 5e9;
const FREE_GRACE_MS = 7 * 24 * 3_600_000;

type Migration = readonly string[];

/** One after the other, each once; what was released is never changed. */
const MIGRATIONS: readonly Migration[] = [
  [
    `CREATE TABLE account (account_id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at BIGINT NOT NULL)`,
    `CREATE TABLE password (account_id BLOB PRIMARY KEY, credential_id BLOB NOT NULL, setup_id BLOB NOT NULL,
      record BLOB NOT NULL, slot_id BLOB NOT NULL, slot BLOB NOT NULL)`,
    `CREATE TABLE recovery (recovery_id BLOB PRIMARY KEY, account_id BLOB NOT NULL, public_key BLOB NOT NULL,
      slot_id BLOB NOT NULL)`,
    `CREATE TABLE invitation (code_hash BLOB PRIMARY KEY, made_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
      account_id BLOB)`,
    `CREATE TABLE attempt (attempt_id BLOB PRIMARY KEY, kind BIGINT NOT NULL, expires_at BIGINT NOT NULL,
      account_id BLOB NOT NULL, known BIGINT NOT NULL, limit_key BLOB NOT NULL, state BLOB NOT NULL)`,
    `CREATE INDEX attempt_expiry ON attempt (expires_at)`,
    `CREATE TABLE tries (limit_key BLOB PRIMARY KEY, since BIGINT NOT NULL, count BIGINT NOT NULL,
      strikes BIGINT NOT NULL)`,
    `CREATE INDEX tries_age ON tries (since)`,
    `CREATE TABLE audit (account_id BLOB NOT NULL, seq BIGINT NOT NULL, entry BLOB NOT NULL, hash BLOB NOT NULL,
      PRIMARY KEY (account_id, seq))`,
  ],
  [
    'ALTER TABLE account ADD COLUMN admin BIGINT NOT NULL DEFAULT 0',
    'ALTER TABLE invitation ADD COLUMN admin BIGINT NOT NULL DEFAULT 0',
    `CREATE TABLE pairing (ticket_id BLOB PRIMARY KEY, account_id BLOB NOT NULL, expires_at BIGINT NOT NULL,
      offer BLOB, draft BLOB, answer BLOB, heads BLOB)`,
    'CREATE INDEX pairing_account ON pairing (account_id)',
  ],
  ['CREATE TABLE session_epoch (account_id BLOB PRIMARY KEY, epoch BIGINT NOT NULL)'],
  [
    // bytes NULL: no limit.
    'CREATE TABLE plan (name TEXT PRIMARY KEY, bytes BIGINT, grace_ms BIGINT NOT NULL)',
    `INSERT INTO plan (bytes, grace_ms, name) VALUES (${FREE_BYTES}, ${FREE_GRACE_MS}, '${FREE_PLAN}')`,
    'ALTER TABLE account ADD COLUMN plan TEXT',
    'ALTER TABLE account ADD COLUMN over_since BIGINT',
  ],
  [
    `CREATE TABLE unlocked_session (session_id BLOB PRIMARY KEY, account_id BLOB NOT NULL, method BIGINT NOT NULL,
      opened_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, ip_prefix TEXT NOT NULL)`,
    'CREATE INDEX unlocked_session_account ON unlocked_session (account_id)',
    'CREATE INDEX unlocked_session_expiry ON unlocked_session (expires_at)',
  ],
  [
    // What is told to whom; quota_told: 0 nothing, 1 that it is near its limit, 2 that it is beyond.
    'ALTER TABLE account ADD COLUMN quota_told BIGINT NOT NULL DEFAULT 0',
    `CREATE TABLE contact (account_id BLOB PRIMARY KEY, address TEXT, wanted TEXT NOT NULL, quiet_days BIGINT NOT NULL,
      digest_at BIGINT NOT NULL, new_address TEXT, code_hash BLOB, code_until BIGINT NOT NULL)`,
    `CREATE TABLE device_watch (account_id BLOB NOT NULL, device_id BLOB NOT NULL, committed_at BIGINT NOT NULL,
      alarm_at BIGINT NOT NULL, told BIGINT NOT NULL, PRIMARY KEY (account_id, device_id))`,
    'CREATE INDEX device_watch_alarm ON device_watch (alarm_at)',
    'CREATE TABLE watch_clock (name TEXT PRIMARY KEY, looked_at BIGINT NOT NULL)',
    `CREATE TABLE notice (notice_id BLOB PRIMARY KEY, account_id BLOB NOT NULL, detail TEXT NOT NULL,
      made_at BIGINT NOT NULL)`,
    'CREATE INDEX notice_account ON notice (account_id)',
    'CREATE INDEX notice_age ON notice (made_at)',
    `CREATE TABLE message (message_id BLOB PRIMARY KEY, account_id BLOB NOT NULL, channel TEXT NOT NULL,
      target TEXT NOT NULL, detail TEXT NOT NULL, made_at BIGINT NOT NULL, due_at BIGINT NOT NULL,
      leased_until BIGINT NOT NULL, tries BIGINT NOT NULL)`,
    'CREATE INDEX message_due ON message (due_at)',
  ],
  [
    // last_step: of the last code that was taken.
    `CREATE TABLE factor (account_id BLOB PRIMARY KEY, sealed BLOB NOT NULL, last_step BIGINT NOT NULL,
      since BIGINT NOT NULL)`,
    `CREATE TABLE factor_code (account_id BLOB NOT NULL, code_hash BLOB NOT NULL, PRIMARY KEY (account_id, code_hash))`,
  ],
  // NULL: not suspended.
  ['ALTER TABLE account ADD COLUMN suspended_at BIGINT'],
];

/**
 * Makes the tables, or brings them to this version; of several processes that start at once, one does it.
 * @throws AccountsError `newer-version`
 */
export async function migrate(database: SqlDatabase): Promise<void> {
  await database.exclusive(utf8Encode('migrate accounts_version'), async (sql) => {
    await sql.query('CREATE TABLE IF NOT EXISTS accounts_version (version BIGINT NOT NULL)');
    const version = await versionOf(sql);
    if (version > MIGRATIONS.length) throw new AccountsError('newer-version');
    for (const statements of MIGRATIONS.slice(version)) for (const text of statements) await sql.query(text);
    await sql.query('UPDATE accounts_version SET version = ?', MIGRATIONS.length);
  });
}

async function versionOf(sql: Sql): Promise<number> {
  const [row] = await sql.query('SELECT version FROM accounts_version');
  if (row !== undefined) return numberAt(row, 0);
  await sql.query('INSERT INTO accounts_version (version) VALUES (?)', 0);
  return 0;
}
