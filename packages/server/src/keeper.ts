/** Where the accounts of a server are kept: one custody each. */
import { join } from 'node:path';
import { toHex } from '@keephold/bytes';
import { createRepositoryFolder, type GenesisRecords, type OpenOptions, openRepositoryFolder } from '@keephold/custody';
import type { AccountId, Custody } from '@keephold/protocol';

export interface AccountKeeper {
  /**
   * Runs `work` with the custody of an account; it stays open meanwhile.
   * @throws CustodyError 'no-repository' when there is no such account.
   */
  use<T>(accountId: AccountId, work: (custody: Custody) => Promise<T>): Promise<T>;
  /** @throws CustodyError 'refused' when there is one already. */
  create(records: GenesisRecords): Promise<void>;
  close(): Promise<void>;
}

interface OpenAccount {
  readonly custody: Promise<Custody>;
  users: number;
}

/** Each has a ledger with a few files open. */
const MOST_OPEN = 128;

/** A folder for each account below one data folder, as `keephold` makes it on a disk. */
export class FolderKeeper implements AccountKeeper {
  readonly #folder: string;
  readonly #options: (accountId: AccountId) => OpenOptions;
  /** In order of last use. */
  readonly #open = new Map<string, OpenAccount>();

  constructor(folder: string, options: (accountId: AccountId) => OpenOptions = () => ({})) {
    this.#folder = folder;
    this.#options = options;
  }

  async use<T>(accountId: AccountId, work: (custody: Custody) => Promise<T>): Promise<T> {
    const key = toHex(accountId);
    const account = this.#open.get(key) ?? this.#opened(accountId);
    this.#open.delete(key);
    this.#open.set(key, account);
    account.users++;
    try {
      return await work(await account.custody);
    } catch (error) {
      if ((await Promise.allSettled([account.custody]))[0].status === 'rejected') this.#open.delete(key);
      throw error;
    } finally {
      account.users--;
      await this.#closeIdle();
    }
  }

  async create(records: GenesisRecords): Promise<void> {
    const custody = await createRepositoryFolder(this.#path(records.accountId), records);
    await custody[Symbol.asyncDispose]();
  }

  async close(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const { custody } of all) await (await custody)[Symbol.asyncDispose]();
  }

  #opened(accountId: AccountId): OpenAccount {
    const custody = openRepositoryFolder(this.#path(accountId), this.#options(accountId));
    return { custody, users: 0 };
  }

  async #closeIdle(): Promise<void> {
    if (this.#open.size <= MOST_OPEN) return;
    const idle = [...this.#open].find(([, { users }]) => users === 0);
    if (idle === undefined) return;
    const [key, { custody }] = idle;
    this.#open.delete(key);
    await (await custody)[Symbol.asyncDispose]();
  }

  #path(accountId: AccountId): string {
    return join(this.#folder, toHex(accountId));
  }
}
