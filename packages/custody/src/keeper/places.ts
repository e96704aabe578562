/** Where the files and the ledger of each account are. */
import { join } from 'node:path';
import { type Backend, FolderBackend, withinPrefix } from '@keephold/backend';
import { toHex } from '@keephold/bytes';
import type { AccountId } from '@keephold/protocol';
import { FileLedger } from '../ledger/file-ledger.ts';
import type { LedgerDatabase } from '../ledger/ledger-database.ts';
import type { RepositoryPlace } from '../repository.ts';

export interface AccountPlaces {
  of(accountId: AccountId): RepositoryPlace;
  /** Before anything is put there. */
  make(place: RepositoryPlace): Promise<void>;
}

/** One for all, or the folder of a file for each. */
type Ledgers = LedgerDatabase | string;

/** A folder for each account below `path`. */
export function folderPlaces(path: string, ledgers: Ledgers): AccountPlaces {
  return {
    of: (accountId) => {
      const name = join(path, toHex(accountId));
      const backend = new FolderBackend({ path: name });
      return { name, backend, folder: backend, database: ledgerOf(ledgers, accountId) };
    },
    make: async ({ name }) => await new FolderBackend({ path: name }).makeRoot(),
  };
}

/** A prefix for each account. */
export function bucketPlaces(backend: Backend, ledgers: Ledgers): AccountPlaces {
  return {
    of: (accountId) => {
      const name = toHex(accountId);
      return { name, backend: withinPrefix(backend, name), database: ledgerOf(ledgers, accountId) };
    },
    make: async () => await Promise.resolve(),
  };
}

function ledgerOf(ledgers: Ledgers, accountId: AccountId): LedgerDatabase {
  return typeof ledgers === 'string' ? new FileLedger(join(ledgers, `${toHex(accountId)}.sqlite`)) : ledgers;
}
