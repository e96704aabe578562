/**
 * From a password or the words to an unlocked account (security.md §3.7): slot → root key → keyring → identity key →
 * keychain must agree, else hard stop. Only reads: a new machine with nothing but the password restores without
 * writing a byte to the repository.
 */
import { equalBytes, toHex } from '@keephold/bytes';
import { CryptoError, DowngradeError, ed25519FromSeed, type SlotKey, sha256, wordsToEntropy } from '@keephold/crypto';
import {
  type AccountCustody,
  activeSlots,
  genesisHashOf,
  type KeychainState,
  MalformedRecordError,
  requireKeychainPin,
  type SlotMethod,
} from '@keephold/protocol';
import { AccountFaultError, WrongPasswordError } from './errors.ts';
import { openKeyring } from './keyring.ts';
import { deriveOpaqueKey, requireAcceptableOpaqueCost } from './opaque-slot.ts';
import { derivePasswordKey, requireAcceptableParameters } from './password-slot.ts';
import { decodeSlotRecordOrSkip, openSlot, type SlotRecord, type SlotSecret } from './slot-record.ts';
import type { Unlocked } from './unlocked.ts';
import { walkStoredKeychain } from './walk-stored-keychain.ts';
import { deriveWordsKey } from './words-slot.ts';

/** What unlocking reads. */
export type UnlockCustody = Pick<AccountCustody, 'accountId' | 'keychain' | 'slots' | 'keyring'>;

/**
 * @throws WrongPasswordError when no slot opens; DowngradeError when none does and one asks for costs out of bounds;
 *   AccountFaultError, ChainError or MalformedRecordError when the records of the account do not fit together.
 */
export function unlockWithPassword(custody: UnlockCustody, password: string): Promise<Unlocked> {
  return unlock(custody, 'local-password', (slot) => derivePasswordKey(password, slot.accountId, slot.parameters));
}

/**
 * @throws InvalidWordsError when these cannot be 24 words; else as `unlockWithPassword`.
 */
export async function unlockWithWords(custody: UnlockCustody, words: string | readonly string[]): Promise<Unlocked> {
  const entropy = await wordsToEntropy(words);
  return unlock(custody, 'words', async (slot) => deriveWordsKey(entropy, slot.accountId));
}

/**
 * With what OPAQUE gave for the password. The caller has compared the server's key with the one it knew before, if it knew
 * one; here it must be the one that the account was made with.
 * @throws WrongPasswordError, DowngradeError, AccountFaultError, ChainError as `unlockWithPassword`
 */
export async function unlockWithExportKey(
  custody: UnlockCustody,
  login: { readonly exportKey: Uint8Array; readonly serverKey: Uint8Array },
): Promise<Unlocked> {
  const unlocked = await unlock(custody, 'opaque', async (slot) => deriveOpaqueKey(login.exportKey, slot.accountId));
  const { opaqueKey } = unlocked.keychain;
  if (opaqueKey === undefined || !equalBytes(opaqueKey, login.serverKey)) {
    throw new AccountFaultError('account-mismatch', 'unlock account: it was made with another server');
  }
  return unlocked;
}

type DeriveKey = (slot: SlotRecord) => Promise<SlotKey>;

async function unlock(custody: UnlockCustody, method: SlotMethod, derive: DeriveKey): Promise<Unlocked> {
  const [accountId, entries, records, sealed] = await Promise.all([
    custody.accountId(),
    custody.keychain(0),
    custody.slots(),
    custody.keyring(),
  ]);
  const keychain = walkStoredKeychain(entries);
  if (!equalBytes(keychain.accountId, accountId)) {
    throw new AccountFaultError('account-mismatch', 'unlock account: the keychain is of another account');
  }
  const { slot, secret } = await openAnySlot(namedSlots(records, keychain, method), method, derive);
  if (!equalBytes(secret.genesisHash, genesisHashOf(keychain))) {
    throw new AccountFaultError('account-mismatch', 'unlock account: slot and keychain have different beginnings');
  }
  if (sealed === undefined) throw new AccountFaultError('keyring-missing', 'unlock account: there is no keyring');
  const keyring = await openKeyring(sealed, { ...secret, accountId });
  const identity = ed25519FromSeed(keyring.identitySeed);
  if (!equalBytes(identity.publicKey, keychain.identityKey)) {
    throw new AccountFaultError(
      'account-mismatch',
      'unlock account: keyring and keychain have different identity keys',
    );
  }
  requireKeychainPin(keychain, keyring.keychainPin);
  return { accountId, secret, identity, keyring, keychain, slotId: slot.slotId, method };
}

interface NamedSlot {
  readonly slot: SlotRecord;
  /** Whether it has exactly the bytes that the keychain names. */
  readonly genuine: boolean;
}

/** Slots of the method that the keychain names and has not removed. */
function namedSlots(records: readonly Uint8Array[], keychain: KeychainState, method: SlotMethod): readonly NamedSlot[] {
  const named = new Map(activeSlots(keychain).map((slot) => [toHex(slot.slotId), slot]));
  return records.flatMap((bytes) => {
    const slot = decodeSlotRecordOrSkip(bytes);
    if (slot?.method !== method || !equalBytes(slot.accountId, keychain.accountId)) return [];
    const entry = named.get(toHex(slot.slotId));
    if (entry?.method !== method) return [];
    return [{ slot, genuine: equalBytes(entry.recordHash, sha256(bytes)) }];
  });
}

async function openAnySlot(
  slots: readonly NamedSlot[],
  method: SlotMethod,
  derive: DeriveKey,
): Promise<{ readonly slot: SlotRecord; readonly secret: SlotSecret }> {
  let downgrade: DowngradeError | undefined;
  for (const { slot, genuine } of slots) {
    try {
      if (method === 'local-password') requireAcceptableParameters(slot.parameters);
      if (method === 'opaque') requireAcceptableOpaqueCost(slot.parameters);
      if (!genuine) continue;
      return { slot, secret: await openSlot(slot, await derive(slot)) };
    } catch (error) {
      // Wrong key and damage look alike on purpose; too little memory for Argon2id is neither.
      const expected = error instanceof CryptoError || error instanceof MalformedRecordError;
      if (!expected || (error instanceof CryptoError && error.code === 'argon2-failed')) throw error;
      if (error instanceof DowngradeError) downgrade = error;
    }
  }
  throw downgrade ?? new WrongPasswordError(method === 'words' ? 'words' : 'password');
}
