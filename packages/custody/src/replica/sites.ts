/** The two places of one account, and the vault in question. */
import type { Backend } from '@keephold/backend';
import type { VaultId } from '@keephold/protocol';
import type { AccountRecords } from '../account/account-records.ts';
import type { Ledger } from '../ledger/ledger.ts';

export interface Sites {
  /** Here, parity left aside: a second site is no disk that rots unseen. */
  readonly from: Backend;
  readonly to: Backend;
  /** Of what is here. */
  readonly account: AccountRecords;
  readonly ledger: Ledger;
  readonly vault: VaultId;
  readonly signal: AbortSignal;
}
