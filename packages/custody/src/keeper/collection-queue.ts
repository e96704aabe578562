/**
 * Which vaults are to be collected, and when, for processes that share the work: whoever takes one has it until its lease
 * ends. A lease saves work and keeps nothing safe: two collections of one vault at once do no harm.
 */
import { utf8Encode } from '@keephold/bytes';
import { type AccountId, asAccountId, asVaultId, type VaultId } from '@keephold/protocol';
import { type Migration, migrate } from '../ledger/migrate.ts';
import { bytesAt, type SqlDatabase } from '../ledger/sql.ts';

export interface CollectionJob {
  readonly accountId: AccountId;
  readonly vault: VaultId;
  /** Unix milliseconds. */
  readonly leasedUntil: number;
}

export interface TakeOptions {
  /** Unix milliseconds. */
  readonly now: number;
  readonly leasedUntil: number;
  readonly most: number;
}

const MIGRATIONS: readonly Migration[] = [
  [
    `CREATE TABLE collection (account_id BLOB NOT NULL, vault_id BLOB NOT NULL, due_at BIGINT NOT NULL,
      leased_until BIGINT NOT NULL, PRIMARY KEY (account_id, vault_id))`,
    'CREATE INDEX collection_due ON collection (due_at)',
  ],
];
const TAKING: Uint8Array = utf8Encode('take collections');

export class CollectionQueue {
  readonly #database: SqlDatabase;

  private constructor(database: SqlDatabase) {
    this.#database = database;
  }

  static async open(database: SqlDatabase): Promise<CollectionQueue> {
    await migrate(database, { versionTable: 'collection_version', migrations: MIGRATIONS });
    return new CollectionQueue(database);
  }

  /** A vault that is there already keeps its time. */
  async add(accountId: AccountId, vault: VaultId, dueAt: number): Promise<void> {
    await this.#database.transaction(
      async (sql) =>
        await sql.query(
          `INSERT INTO collection (account_id, vault_id, due_at, leased_until) VALUES (?, ?, ?, 0)
           ON CONFLICT (account_id, vault_id) DO NOTHING`,
          accountId,
          vault,
          dueAt,
        ),
    );
  }

  /** Those that are due for longest, and that nobody else has. */
  async take({ now, leasedUntil, most }: TakeOptions): Promise<readonly CollectionJob[]> {
    return await this.#database.exclusive(TAKING, async (sql) => {
      const rows = await sql.query(
        'SELECT account_id, vault_id FROM collection WHERE due_at <= ? AND leased_until <= ? ORDER BY due_at LIMIT ?',
        now,
        now,
        most,
      );
      const jobs: CollectionJob[] = [];
      for (const row of rows) {
        const job = { accountId: asAccountId(bytesAt(row, 0)), vault: asVaultId(bytesAt(row, 1)), leasedUntil };
        await sql.query(
          'UPDATE collection SET leased_until = ? WHERE account_id = ? AND vault_id = ?',
          ...[leasedUntil, job.accountId, job.vault],
        );
        jobs.push(job);
      }
      return jobs;
    });
  }

  /** Gives it back. Nothing happens when its lease has ended and another has it. */
  async finish({ accountId, vault, leasedUntil }: CollectionJob, nextDueAt: number): Promise<void> {
    await this.#database.transaction(
      async (sql) =>
        await sql.query(
          `UPDATE collection SET due_at = ?, leased_until = 0
           WHERE account_id = ? AND vault_id = ? AND leased_until = ?`,
          nextDueAt,
          accountId,
          vault,
          leasedUntil,
        ),
    );
  }

  /** The account is gone. */
  async remove({ accountId, vault }: CollectionJob): Promise<void> {
    await this.#database.transaction(
      async (sql) => await sql.query('DELETE FROM collection WHERE account_id = ? AND vault_id = ?', accountId, vault),
    );
  }
}
