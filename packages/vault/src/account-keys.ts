/** Keys derived from the account root key (security.md §3.1). */
import { type AccountRootKey, expandKey, type Key, label } from '@keephold/crypto';
import type { AccountId } from '@keephold/protocol';

/** Seals the account keyring. */
export function keyringKey(ark: AccountRootKey, accountId: AccountId): Key<'KeyringKey'> {
  return expandKey('KeyringKey', ark, label('ark/keyring'), accountId);
}

/** Seals the names of devices, vaults and streams. */
export function namesKey(ark: AccountRootKey, accountId: AccountId): Key<'NamesKey'> {
  return expandKey('NamesKey', ark, label('ark/names'), accountId);
}
