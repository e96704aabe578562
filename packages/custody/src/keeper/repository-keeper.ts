/** The repositories of many accounts. */
import type { AccountId } from '@keephold/protocol';
import type { GenesisRecords } from '../repository.ts';

import type { KeptCustody } from '../upkeep.ts';

export interface RepositoryKeeper {
  /** @throws CustodyError 'no-repository' when there is no such account, and as opening does */
  open(accountId: AccountId): Promise<KeptCustody>;
  /** @throws CustodyError 'refused' when there is one already. */
  create(records: GenesisRecords): Promise<void>;
}
