/**
 * The ledger of a repository folder: opened when first needed, brought up to the chain before every use, thrown away
 * and replayed when it is damaged or of another history. It is a cache; nothing is lost with it.
 */
import { rm } from 'node:fs/promises';
import type { Backend } from '@keephold/backend';
import { equalBytes, toHex } from '@keephold/bytes';
import { type AccountId, ChainError, CustodyError, isHashKnown, type VaultId, vaultRecord } from '@keephold/protocol';
import type { AccountRecords } from '../account/account-records.ts';
import { ChainStore, hashOfCommit } from '../chain/chain-store.ts';
import { chainName } from '../layout.ts';
import type { FoundPack } from '../pack-state.ts';
import { listPacks, reconcilePacks } from './reconcile-packs.ts';
import { reconcileObjects, replay } from './replay.ts';
import { createTables, LEDGER_VERSION } from './schema.ts';
import { isSignedCommit } from './sound-commits.ts';
import { type Sql, type SqlDatabase, SqlError } from './sql.ts';
import type { VaultRow } from './vault-ledger.ts';
import { beginVault, type VaultFiles, type VaultTransaction, vaultRow } from './vault-transaction.ts';

export interface LedgerOptions {
  /** Path of the database file. */
  readonly path: string;
  readonly backend: Backend;
  readonly account: AccountRecords;
  /** Opens the database instead of SQLite, ':memory:' included. */
  readonly openDatabase?: (path: string) => Promise<SqlDatabase>;
}

export class Ledger {
  readonly #options: LedgerOptions;
  #opening: Promise<SqlDatabase> | undefined;
  /** Vaults whose head was compared with its file since opening, by hex. */
  readonly #compared = new Set<string>();
  readonly #files = new Map<string, VaultFiles>();
  /** The ledger is in memory because its file cannot be written: then nobody would see our lock. */
  #readOnly = false;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Runs `work` on the vault as the chain has it; what it changes is dropped. */
  async read<T>(vault: VaultId, work: (transaction: VaultTransaction) => Promise<T>): Promise<T> {
    return await this.#surviving(async (database) => {
      const fresh = await database.read(async (sql) => {
        const transaction = this.#begin(sql, vault);
        return (await this.#isCurrent(transaction)) ? { result: await work(transaction) } : undefined;
      });
      if (fresh !== undefined) return fresh.result;
      return await database.transaction(async (sql) => {
        const transaction = await this.#current(sql, vault);
        await transaction.packs.save();
        return await work(transaction);
      });
    });
  }

  /** Runs `work` holding the repository's write lock, on the vault as the chain has it. */
  async write<T>(vault: VaultId, work: (transaction: VaultTransaction) => Promise<T>): Promise<T> {
    return await this.#surviving(async (database) => {
      if (this.#readOnly) {
        throw new CustodyError('read-only', `change repository: ${this.#options.path} cannot be written`);
      }
      return await database.transaction(async (sql) => {
        const transaction = await this.#currentForWriting(sql, vault);
        const result = await work(transaction);
        await transaction.packs.save();
        return result;
      });
    });
  }

  /**
   * Forgets what the ledger says of a vault and makes it again from packs and objects, under the write lock; under it as
   * well, before that, whatever `change` does to the files.
   */
  async rebuild(vault: VaultId, change?: (transaction: VaultTransaction) => Promise<void>): Promise<void> {
    this.#files.delete(toHex(vault));
    await this.#surviving(async (database) => {
      if (this.#readOnly)
        throw new CustodyError('read-only', `rebuild ledger: ${this.#options.path} cannot be written`);
      await database.transaction(async (sql) => {
        const transaction = this.#begin(sql, vault);
        await change?.(transaction);
        await this.#startVault(transaction);
        await this.#catchUp(transaction);
        await transaction.packs.save();
      });
    });
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening !== undefined) await (await opening).close();
  }

  #begin(sql: Sql, vault: VaultId): VaultTransaction {
    const key = toHex(vault);
    let files = this.#files.get(key);
    if (files === undefined) {
      files = { vault, chain: new ChainStore(this.#options.backend, vault), recent: new Map() };
      this.#files.set(key, files);
    }
    return beginVault(sql, files);
  }

  async #current(sql: Sql, vault: VaultId): Promise<VaultTransaction> {
    const transaction = this.#begin(sql, vault);
    if (!(await this.#isCurrent(transaction))) await this.#catchUp(transaction);
    return transaction;
  }

  /** A commit on top of a head that is not the real one would be another history. */
  async #currentForWriting(sql: Sql, vault: VaultId): Promise<VaultTransaction> {
    const transaction = await this.#current(sql, vault);
    const { headSeq, headHash } = await vaultRow(transaction);
    if (isHashKnown(headHash)) return transaction;
    throw new CustodyError('damaged', `read ${chainName(vault, headSeq)}: the newest commit is damaged`);
  }

  /** One stat: whether the chain goes on after the ledger's head. */
  async #isCurrent(transaction: VaultTransaction): Promise<boolean> {
    const row = await transaction.ledger.vault();
    if (row === undefined || !(await this.#isSameHistory(transaction, row))) return false;
    return !(await transaction.chain.has(row.headSeq + 1));
  }

  /** Once per opening: the folder may be another copy than the ledger was made from. */
  async #isSameHistory(transaction: VaultTransaction, row: VaultRow): Promise<boolean> {
    const key = toHex(transaction.vault);
    if (this.#compared.has(key)) return true;
    if (row.headSeq > 0) {
      const bytes = await transaction.chain.read(row.headSeq);
      if (bytes === undefined) return false;
      if (!equalBytes(hashOfCommit(bytes), row.headHash) && (await this.#isCommit(transaction.vault, row, bytes)))
        return false;
    }
    this.#compared.add(key);
    return true;
  }

  /** A head whose file rotted is the same history still: the ledger knows its hash. */
  async #isCommit(vault: VaultId, { headSeq: seq }: VaultRow, bytes: Uint8Array): Promise<boolean> {
    return isSignedCommit({ seq, bytes }, { vault, keychain: await this.#options.account.keychainState() });
  }

  async #catchUp(transaction: VaultTransaction): Promise<void> {
    const { backend } = this.#options;
    const row = await transaction.ledger.vault();
    // What follows a commit that nobody could read tells its hash.
    const goesOn = row !== undefined && isHashKnown(row.headHash) && (await this.#isSameHistory(transaction, row));
    if (!goesOn) await this.#startVault(transaction);
    await replay(transaction, backend, await this.#options.account.keychainState());
    const listing = await listPacks(backend, transaction.vault);
    const lookAgain = async (id: Uint8Array): Promise<FoundPack | undefined> => listing.get(toHex(id));
    await reconcilePacks(transaction, { listing, now: 0, lookAgain });
    await reconcileObjects(transaction, backend);
  }

  async #startVault(transaction: VaultTransaction): Promise<void> {
    const { createdHash, createdSeq } = await this.#vaultRecord(transaction.vault);
    await transaction.ledger.forget();
    await transaction.ledger.saveVault({ headSeq: 0, headHash: createdHash, time: 0, keychainSeq: createdSeq });
  }

  async #vaultRecord(vault: VaultId): Promise<ReturnType<typeof vaultRecord>> {
    const state = await this.#options.account.keychainState();
    try {
      return vaultRecord(state, vault);
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      throw new CustodyError('refused', `use vault ${toHex(vault)}: this repository has no such vault`, {
        cause: error,
      });
    }
  }

  /** A ledger that turns out to be damaged is made anew, once. */
  async #surviving<T>(work: (database: SqlDatabase) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#database());
    } catch (error) {
      if (!(error instanceof SqlError) || error.code !== 'damaged') throw error;
    }
    await this.#discard();
    return await work(await this.#database());
  }

  async #database(): Promise<SqlDatabase> {
    this.#opening ??= this.#open();
    try {
      return await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async #open(): Promise<SqlDatabase> {
    const { path, openDatabase = openSqlite } = this.#options;
    let database: SqlDatabase;
    try {
      database = await openDatabase(path);
    } catch (error) {
      if (!(error instanceof SqlError) || error.code !== 'read-only') throw error;
      // A repository on a medium that cannot be written is still read, through a ledger in memory.
      database = await openDatabase(':memory:');
      this.#readOnly = true;
    }
    try {
      await prepare(database, await this.#options.account.accountId());
      return database;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  async #discard(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    this.#compared.clear();
    this.#files.clear();
    try {
      await (await opening)?.close();
    } catch {
      // It is damaged: closing is a courtesy.
    }
    for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(this.#options.path + suffix, { force: true });
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
