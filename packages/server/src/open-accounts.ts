/** The accounts of a server that are open at the moment: one custody each. */
import { toHex } from '@keephold/bytes';
import type { GenesisRecords, KeptCustody, RepositoryKeeper } from '@keephold/custody';
import type { AccountId } from '@keephold/protocol';
import type { AccountKeeper } from './keeper.ts';

interface OpenAccount {
  readonly custody: Promise<KeptCustody>;
  users: number;
}

/** Each may have a ledger with a few files open. */
const MOST_OPEN = 128;

export class OpenAccounts implements AccountKeeper {
  readonly #repositories: RepositoryKeeper;
  /** In order of last use. */
  readonly #open = new Map<string, OpenAccount>();

  constructor(repositories: RepositoryKeeper) {
    this.#repositories = repositories;
  }

  async use<T>(accountId: AccountId, work: (custody: KeptCustody) => Promise<T>): Promise<T> {
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
    await this.#repositories.create(records);
  }

  async close(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const { custody } of all) await (await custody)[Symbol.asyncDispose]();
  }

  #opened(accountId: AccountId): OpenAccount {
    return { custody: this.#repositories.open(accountId), users: 0 };
  }

  async #closeIdle(): Promise<void> {
    if (this.#open.size <= MOST_OPEN) return;
    const idle = [...this.#open].find(([, { users }]) => users === 0);
    if (idle === undefined) return;
    const [key, { custody }] = idle;
    this.#open.delete(key);
    await (await custody)[Symbol.asyncDispose]();
  }
}
