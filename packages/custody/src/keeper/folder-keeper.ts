/** A repository folder for each account, as `keephold init` makes it on a disk. */
import { join } from 'node:path';
import { toHex } from '@keephold/bytes';
import type { AccountId } from '@keephold/protocol';
import type { GenesisRecords, RepositoryOptions } from '../repository.ts';
import { createRepositoryFolder, openRepositoryFolder } from '../repository-folder.ts';
import type { KeptCustody } from '../upkeep.ts';
import type { RepositoryKeeper } from './repository-keeper.ts';

export class FolderKeeper implements RepositoryKeeper {
  readonly #path: string;
  readonly #optionsOf: (accountId: AccountId) => RepositoryOptions;

  constructor(path: string, optionsOf: (accountId: AccountId) => RepositoryOptions) {
    this.#path = path;
    this.#optionsOf = optionsOf;
  }

  async open(accountId: AccountId): Promise<KeptCustody> {
    return await openRepositoryFolder(this.#folderOf(accountId), this.#optionsOf(accountId));
  }

  async create(records: GenesisRecords): Promise<void> {
    const custody = await createRepositoryFolder(this.#folderOf(records.accountId), records);
    await custody[Symbol.asyncDispose]();
  }

  #folderOf(accountId: AccountId): string {
    return join(this.#path, toHex(accountId));
  }
}
