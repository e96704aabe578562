/**
 * Which vaults are to be worked on, and when, for processes that share the work: whoever takes one has it until its lease
 * ends. A lease saves work and keeps nothing safe: two of them at one vault do no harm.
 */
import { utf8Encode } from '@keephold/bytes';
import { type AccountId, asAccountId, asVaultId, type VaultId } from '@keephold/protocol';
import { type Migration, migrate } from '../ledger/migrate.ts';
import { bytesAt, numberAt, optionalNumberAt, type SqlDatabase } from '../ledger/sql.ts';

/** Each has a table of its own. */
export type VaultWork = 'collection' | 'replication' | 'scrub';

export interface VaultJob {
  readonly accountId: AccountId;
  readonly vault: VaultId;
  /** Unix milliseconds. */
  readonly leasedUntil: number;
  /** When what was done less often than the rest of it was done last, unix milliseconds; 0: never. */
  readonly sweptAt: number;
  /** How far work that takes many turns has come; 0: at its beginning. */
  readonly position: number;
}

export interface TakeOptions {
  /** Unix milliseconds. */
  readonly now: number;
  readonly leasedUntil: number;
  readonly most: number;
}

export interface FinishOptions {
  readonly nextDueAt: number;
  readonly sweptAt?: number;
  readonly position?: number;
  /** Whether what had changed when it was taken is dealt with. */
  readonly outcome: 'done' | 'to-be-tried-again';
}

export interface Waiting {
  /** Vaults of which something is not dealt with. */
  readonly vaults: number;
  /** When the first of it came about, unix milliseconds; undefined: there is none. */
  readonly since: number | undefined;
}

function migrationsOf(work: VaultWork): readonly Migration[] {
  return [
    [
      `CREATE TABLE ${work} (account_id BLOB NOT NULL, vault_id BLOB NOT NULL, due_at BIGINT NOT NULL,
      leased_until BIGINT NOT NULL, PRIMARY KEY (account_id, vault_id))`,
      `CREATE INDEX ${work}_due ON ${work} (due_at)`,
    ],
    [
      // When the oldest change came about that nobody has dealt with; 0: there is none.
      `ALTER TABLE ${work} ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0`,
      `ALTER TABLE ${work} ADD COLUMN swept_at BIGINT NOT NULL DEFAULT 0`,
    ],
    [`ALTER TABLE ${work} ADD COLUMN position BIGINT NOT NULL DEFAULT 0`],
  ];
}

export class VaultQueue {
  readonly #database: SqlDatabase;
  readonly #work: VaultWork;

  private constructor(database: SqlDatabase, work: VaultWork) {
    this.#database = database;
    this.#work = work;
  }

  static async open(database: SqlDatabase, work: VaultWork): Promise<VaultQueue> {
    await migrate(database, { versionTable: `${work}_version`, migrations: migrationsOf(work) });
    return new VaultQueue(database, work);
  }

  /** A vault that is there already keeps its time. */
  async add(accountId: AccountId, vault: VaultId, dueAt: number): Promise<void> {
    await this.#database.transaction(
      async (sql) =>
        await sql.query(
          `INSERT INTO ${this.#work} (account_id, vault_id, due_at, leased_until) VALUES (?, ?, ?, 0)
           ON CONFLICT (account_id, vault_id) DO NOTHING`,
          accountId,
          vault,
          dueAt,
        ),
    );
  }

  /** All vaults that another kind of work knows; those that are there keep their time. */
  async addAllOf(other: VaultWork, dueAt: number): Promise<void> {
    await this.#database.transaction(
      async (sql) =>
        await sql.query(
          `INSERT INTO ${this.#work} (account_id, vault_id, due_at, leased_until, changed_at)
           SELECT account_id, vault_id, CAST(? AS BIGINT), 0, CAST(? AS BIGINT) FROM ${other} WHERE due_at >= 0
           ON CONFLICT (account_id, vault_id) DO NOTHING`,
          dueAt,
          dueAt,
        ),
    );
  }

  /** Something has changed: it is due at once, and again when somebody is at it now. */
  async changed(accountId: AccountId, vault: VaultId, at: number): Promise<void> {
    const table = this.#work;
    await this.#database.transaction(
      async (sql) =>
        await sql.query(
          `INSERT INTO ${table} (account_id, vault_id, due_at, leased_until, changed_at) VALUES (?, ?, ?, 0, ?)
           ON CONFLICT (account_id, vault_id) DO UPDATE SET
             due_at = CASE WHEN excluded.due_at < ${table}.due_at THEN excluded.due_at ELSE ${table}.due_at END,
             changed_at = CASE WHEN ${table}.changed_at = 0 THEN excluded.changed_at ELSE ${table}.changed_at END`,
          accountId,
          vault,
          at,
          at,
        ),
    );
  }

  /** The same of what all vaults of an account need. */
  async accountChanged(accountId: AccountId, at: number): Promise<void> {
    await this.#database.transaction(
      async (sql) =>
        await sql.query(
          `UPDATE ${this.#work} SET due_at = CASE WHEN due_at < ? THEN due_at ELSE ? END,
             changed_at = CASE WHEN changed_at = 0 THEN ? ELSE changed_at END
           WHERE account_id = ?`,
          ...[at, at, at, accountId],
        ),
    );
  }

  /** Those that are due for longest, and that nobody else has. */
  async take({ now, leasedUntil, most }: TakeOptions): Promise<readonly VaultJob[]> {
    return await this.#database.exclusive(utf8Encode(`take ${this.#work}`), async (sql) => {
      const rows = await sql.query(
        `SELECT account_id, vault_id FROM ${this.#work}
         WHERE due_at <= ? AND leased_until <= ? ORDER BY due_at LIMIT ?`,
        now,
        now,
        most,
      );
      const jobs: VaultJob[] = [];
      for (const row of rows) {
        const [accountId, vault] = [asAccountId(bytesAt(row, 0)), asVaultId(bytesAt(row, 1))];
        // Due when the lease ends: what changes before that makes it due earlier, which `finish` sees. The lock is for
        // those who take: whoever had it before may give it back just now, so it is taken as it is by then, or not.
        await sql.query(
          `UPDATE ${this.#work} SET leased_until = ?, due_at = ?
           WHERE account_id = ? AND vault_id = ? AND due_at <= ? AND leased_until <= ?`,
          ...[leasedUntil, leasedUntil, accountId, vault, now, now],
        );
        const [taken] = await sql.query(
          `SELECT swept_at, position FROM ${this.#work} WHERE account_id = ? AND vault_id = ? AND leased_until = ?`,
          ...[accountId, vault, leasedUntil],
        );
        if (taken === undefined) continue;
        jobs.push({ accountId, vault, leasedUntil, sweptAt: numberAt(taken, 0), position: numberAt(taken, 1) });
      }
      return jobs;
    });
  }

  /** Keeps it for longer. Answers it with its new lease; undefined: its lease has ended, and another has it. */
  async renew(job: VaultJob, leasedUntil: number): Promise<VaultJob | undefined> {
    const { accountId, vault } = job;
    return await this.#database.transaction(async (sql) => {
      const [row] = await sql.query(
        `SELECT leased_until FROM ${this.#work} WHERE account_id = ? AND vault_id = ?`,
        ...[accountId, vault],
      );
      if (row === undefined || numberAt(row, 0) !== job.leasedUntil) return undefined;
      await sql.query(
        `UPDATE ${this.#work} SET due_at = CASE WHEN due_at < leased_until THEN due_at ELSE ? END, leased_until = ?
         WHERE account_id = ? AND vault_id = ?`,
        ...[leasedUntil, leasedUntil, accountId, vault],
      );
      return { ...job, leasedUntil };
    });
  }

  /** Gives it back. Nothing happens when its lease has ended and another has it. */
  async finish({ accountId, vault, leasedUntil, ...job }: VaultJob, options: FinishOptions): Promise<void> {
    const { nextDueAt, sweptAt, position = job.position, outcome } = options;
    const changedAt = outcome === 'done' ? 'CASE WHEN due_at < leased_until THEN due_at ELSE 0 END' : 'changed_at';
    await this.#database.transaction(async (sql) => {
      await sql.query(
        `UPDATE ${this.#work} SET changed_at = ${changedAt},
           due_at = CASE WHEN due_at < leased_until THEN due_at ELSE ? END,
           swept_at = CASE WHEN swept_at < ? THEN ? ELSE swept_at END, position = ?, leased_until = 0
         WHERE account_id = ? AND vault_id = ? AND leased_until = ?`,
        ...[nextDueAt, sweptAt ?? 0, sweptAt ?? 0, position, accountId, vault, leasedUntil],
      );
    });
  }

  /** The account is gone. */
  async remove({ accountId, vault }: VaultJob): Promise<void> {
    await this.#database.transaction(
      async (sql) =>
        await sql.query(`DELETE FROM ${this.#work} WHERE account_id = ? AND vault_id = ?`, accountId, vault),
    );
  }

  async due(now: number): Promise<number> {
    const [row] = await this.#database.read(
      async (sql) => await sql.query(`SELECT COUNT(*) FROM ${this.#work} WHERE due_at <= ?`, now),
    );
    return row === undefined ? 0 : numberAt(row, 0);
  }

  async waiting(): Promise<Waiting> {
    const [row] = await this.#database.read(
      async (sql) => await sql.query(`SELECT COUNT(*), MIN(changed_at) FROM ${this.#work} WHERE changed_at > 0`),
    );
    if (row === undefined) return { vaults: 0, since: undefined };
    return { vaults: numberAt(row, 0), since: optionalNumberAt(row, 1) };
  }
}
