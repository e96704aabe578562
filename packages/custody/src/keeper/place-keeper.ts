/** Repositories wherever their places are. Who makes one holds a lock of its account, whatever process he is. */
import { type AccountId, CustodyError } from '@keephold/protocol';
import { asCustodyError } from '../custody-failure.ts';
import { MARKER, VAULTS } from '../layout.ts';
import {
  type GenesisRecords,
  openRepository,
  type RepositoryOptions,
  type RepositoryPlace,
  writeRepository,
} from '../repository.ts';
import type { KeptCustody } from '../upkeep.ts';
import type { AccountPlaces } from './places.ts';
import type { RepositoryKeeper } from './repository-keeper.ts';

export class PlaceKeeper implements RepositoryKeeper {
  readonly #places: AccountPlaces;
  readonly #optionsOf: (accountId: AccountId) => RepositoryOptions;

  constructor(places: AccountPlaces, optionsOf: (accountId: AccountId) => RepositoryOptions) {
    this.#places = places;
    this.#optionsOf = optionsOf;
  }

  async open(accountId: AccountId): Promise<KeptCustody> {
    return await openRepository(this.#places.of(accountId), this.#optionsOf(accountId));
  }

  async create(records: GenesisRecords): Promise<void> {
    const place = this.#places.of(records.accountId);
    try {
      const ledger = await place.database.open(records.accountId);
      try {
        await ledger.database.exclusive(records.accountId, async () => {
          await this.#places.make(place);
          await clearRemains(place);
          await writeRepository(place.backend, records);
        });
      } finally {
        await place.database.close(ledger);
      }
    } catch (error) {
      throw asCustodyError(error);
    }
  }
}

/** What an earlier creation left that was cut short: it has no marker, and nothing was ever stored. */
async function clearRemains({ backend, name }: RepositoryPlace): Promise<void> {
  const remains: string[] = [];
  for await (const found of backend.list('')) {
    if (found.name === MARKER || found.name.startsWith(`${VAULTS}/`)) {
      throw new CustodyError('refused', `create repository ${name}: there is one already`);
    }
    remains.push(found.name);
  }
  for (const remaining of remains) await backend.delete(remaining);
}
