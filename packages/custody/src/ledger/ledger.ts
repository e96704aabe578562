/**
 * The ledger of a repository: opened when first needed, brought up to the chain before every use, thrown away and
 * replayed when it is damaged or of another history. It is a cache; nothing is lost with it.
 */
import type { Backend } from '@keephold/backend';
import { equalBytes, toHex } from '@keephold/bytes';
import { ChainError, CustodyError, isHashKnown, type VaultId, vaultRecord } from '@keephold/protocol';
import type { AccountRecords } from '../account/account-records.ts';
import { ChainStore, hashOfCommit } from '../chain/chain-store.ts';
import { chainName } from '../layout.ts';
import type { FoundPack } from '../pack-state.ts';
import type { LedgerDatabase, OpenLedger } from './ledger-database.ts';
import { listPacks, reconcilePacks } from './reconcile-packs.ts';
import { reconcileObjects, replay } from './replay.ts';
import { isSignedCommit } from './sound-commits.ts';
import { type SqlDatabase, SqlError } from './sql.ts';
import type { VaultRow } from './vault-ledger.ts';
import { type StoredSize, VaultSize } from './vault-size.ts';
import { beginVault, savePacks, type VaultFiles, type VaultTransaction, vaultRow } from './vault-transaction.ts';

export interface LedgerOptions {
  readonly database: LedgerDatabase;
  readonly backend: Backend;
  readonly account: AccountRecords;
}

export class Ledger {
  readonly #options: LedgerOptions;
  #opening: Promise<OpenLedger> | undefined;
  /** Vaults whose head was compared with its file since opening, by hex. */
  readonly #compared = new Set<string>();
  readonly #files = new Map<string, VaultFiles>();

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Runs `work` on the vault as the chain has it; what it changes is dropped. */
  async read<T>(vault: VaultId, work: (transaction: VaultTransaction) => Promise<T>): Promise<T> {
    const files = await this.#filesOf(vault);
    return await this.#surviving(files, async ({ database }) => {
      const fresh = await database.read(async (sql) => {
        const transaction = beginVault(sql, files);
        return (await this.#isCurrent(transaction)) ? { result: await work(transaction) } : undefined;
      });
      if (fresh !== undefined) return fresh.result;
      return await database.exclusive(files.key, async (sql) => {
        const transaction = await this.#current(beginVault(sql, files));
        await savePacks(transaction);
        return await work(transaction);
      });
    });
  }

  /** Runs `work` holding the vault's write lock, on the vault as the chain has it. */
  async write<T>(vault: VaultId, work: (transaction: VaultTransaction) => Promise<T>): Promise<T> {
    const files = await this.#filesOf(vault);
    return await this.#surviving(files, async (ledger) => {
      const database = this.#writable(ledger, 'change repository');
      return await database.exclusive(files.key, async (sql) => {
        const transaction = await this.#currentForWriting(beginVault(sql, files));
        const result = await work(transaction);
        await savePacks(transaction);
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
    const files = await this.#filesOf(vault);
    await this.#surviving(files, async (ledger) => {
      const database = this.#writable(ledger, 'rebuild ledger');
      await database.exclusive(files.key, async (sql) => {
        const transaction = beginVault(sql, files);
        await change?.(transaction);
        await this.#startVault(transaction);
        await this.#catchUp(transaction);
        await savePacks(transaction);
      });
    });
  }

  /** Sealed bytes of a vault: one row, as the last change left it. */
  async sizeOf(vault: VaultId): Promise<StoredSize> {
    const files = await this.#filesOf(vault);
    const stored = await this.#surviving(
      files,
      async ({ database }) => await database.read(async (sql) => await new VaultSize(sql, files.key).stored()),
    );
    return stored ?? (await this.read(vault, async ({ size, packs }) => await size.counted(packs)));
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening !== undefined) await this.#options.database.close(await opening);
  }

  #writable({ database, isCopy }: OpenLedger, action: string): SqlDatabase {
    if (!isCopy) return database;
    throw new CustodyError('read-only', `${action}: ${this.#options.database.place} cannot be written`);
  }

  async #filesOf(vault: VaultId): Promise<VaultFiles> {
    const known = this.#files.get(toHex(vault));
    if (known !== undefined) return known;
    const { backend, account, database } = this.#options;
    const key = database.keyOf(await account.accountId(), vault);
    const files = { vault, key, chain: new ChainStore(backend, vault), recent: new Map() };
    this.#files.set(toHex(vault), files);
    return files;
  }

  async #current(transaction: VaultTransaction): Promise<VaultTransaction> {
    if (!(await this.#isCurrent(transaction))) await this.#catchUp(transaction);
    return transaction;
  }

  /** A commit on top of a head that is not the real one would be another history. */
  async #currentForWriting(begun: VaultTransaction): Promise<VaultTransaction> {
    const transaction = await this.#current(begun);
    const { headSeq, headHash } = await vaultRow(transaction);
    if (isHashKnown(headHash)) return transaction;
    throw new CustodyError('damaged', `read ${chainName(transaction.vault, headSeq)}: the newest commit is damaged`);
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
  async #surviving<T>({ key }: VaultFiles, work: (ledger: OpenLedger) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#opened());
    } catch (error) {
      if (!(error instanceof SqlError) || error.code !== 'damaged') throw error;
    }
    await this.#discard(key);
    return await work(await this.#opened());
  }

  async #opened(): Promise<OpenLedger> {
    const { account, database } = this.#options;
    this.#opening ??= account.accountId().then(async (id) => await database.open(id));
    try {
      return await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async #discard(key: Uint8Array): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    this.#compared.clear();
    for (const { recent } of this.#files.values()) recent.clear();
    const [opened] = await Promise.allSettled([opening]);
    await this.#options.database.discard(opened.status === 'fulfilled' ? opened.value : undefined, key);
  }
}
