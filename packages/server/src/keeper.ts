/** Where the accounts of a server are kept: one custody each. */
import type { GenesisRecords, KeptCustody } from '@keephold/custody';
import type { AccountId } from '@keephold/protocol';

export interface AccountKeeper {
  /**
   * Runs `work` with the custody of an account; it stays open meanwhile.
   * @throws CustodyError 'no-repository' when there is no such account.
   */
  use<T>(accountId: AccountId, work: (custody: KeptCustody) => Promise<T>): Promise<T>;
  /** @throws CustodyError 'refused' when there is one already. */
  create(records: GenesisRecords): Promise<void>;
  close(): Promise<void>;
}
