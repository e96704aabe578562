/**
 * Ways in that are not what was stored. Whether a secret is wrong or its slot is damaged no key tells apart
 * (security.md §4); that the bytes are not those that the keychain names everybody can see.
 */
import { equalBytes } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import { type AccountCustody, activeSlots, type SlotMethod } from '@keephold/protocol';
import { walkStoredKeychain } from './walk-stored-keychain.ts';

export interface DamagedSlot {
  readonly slotId: Uint8Array;
  readonly method: SlotMethod;
}

/** Slots that the keychain names and that are gone or have other bytes. @throws as walking the keychain does */
export async function damagedSlots(
  custody: Pick<AccountCustody, 'keychain' | 'slots'>,
): Promise<readonly DamagedSlot[]> {
  const keychain = walkStoredKeychain(await custody.keychain(0));
  const hashes = (await custody.slots()).map((record) => sha256(record));
  return activeSlots(keychain).filter(({ recordHash }) => !hashes.some((hash) => equalBytes(hash, recordHash)));
}
