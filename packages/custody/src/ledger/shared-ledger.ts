/**
 * The ledgers of many repositories in one database. A vault is there under the ids of its account and its own: whoever
 * makes a vault with the id of another's gets a row of his own.
 */
import { concatBytes } from '@keephold/bytes';
import type { AccountId, VaultId } from '@keephold/protocol';
import type { LedgerDatabase, OpenLedger } from './ledger-database.ts';
import { migrate } from './migrate.ts';
import { LEDGER_MIGRATIONS } from './schema.ts';
import type { SqlDatabase } from './sql.ts';
import { VaultLedger } from './vault-ledger.ts';

export class SharedLedger implements LedgerDatabase {
  readonly place = 'the database';
  readonly #ledger: OpenLedger;

  private constructor(database: SqlDatabase) {
    this.#ledger = { database, isCopy: false };
  }

  /** @throws SqlError 'newer-version' */
  static async open(database: SqlDatabase): Promise<SharedLedger> {
    await migrate(database, { versionTable: 'ledger_version', migrations: LEDGER_MIGRATIONS });
    return new SharedLedger(database);
  }

  async open(): Promise<OpenLedger> {
    return await Promise.resolve(this.#ledger);
  }

  keyOf(account: AccountId, vault: VaultId): Uint8Array {
    return concatBytes(account, vault);
  }

  async discard(_ledger: OpenLedger | undefined, key: Uint8Array): Promise<void> {
    await this.#ledger.database.exclusive(key, async (sql) => await new VaultLedger(sql, key).forget());
  }

  /** Others use it. */
  async close(): Promise<void> {
    await Promise.resolve();
  }
}
