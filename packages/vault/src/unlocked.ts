/** An unlocked account: it holds the root key, so it may do anything. Kept for as short as possible, never on disk. */
import { toHex } from '@keephold/bytes';
import type { Ed25519KeyPair } from '@keephold/crypto';
import {
  type AccountId,
  activeSlots,
  type ChainPin,
  currentEpoch,
  type KeychainState,
  RollbackError,
  type SlotMethod,
  type VaultId,
  vaultRecord,
} from '@keephold/protocol';
import { AccountFaultError } from './errors.ts';
import type { Keyring, VaultSecrets } from './keyring.ts';
import type { ReadKeys } from './keys.ts';
import type { SlotSecret } from './slot-record.ts';

export interface Unlocked {
  readonly accountId: AccountId;
  readonly secret: SlotSecret;
  readonly identity: Ed25519KeyPair;
  readonly keyring: Keyring;
  readonly keychain: KeychainState;
  /** The slot that was used. */
  readonly slotId: Uint8Array;
  readonly method: SlotMethod;
}

/** Where the keychain stands: to be pinned. */
export function keychainPin(keychain: KeychainState): ChainPin {
  return { seq: keychain.seq, hash: keychain.hash };
}

/** The only vault of an account that has one, as embedded repositories do; undefined when there are more or none. */
export function onlyVault(keychain: KeychainState): VaultId | undefined {
  const [first, ...more] = keychain.vaults.values();
  return more.length === 0 ? first?.vaultId : undefined;
}

/** Slots as they may be shown to people. */
export interface SlotSummary {
  readonly slotId: Uint8Array;
  readonly method: SlotMethod;
}

export function listSlots(keychain: KeychainState): readonly SlotSummary[] {
  return activeSlots(keychain).map(({ slotId, method }) => ({ slotId, method }));
}

/** Everything needed to read the vault; no device is involved and nothing is written. */
export function readKeys(unlocked: Unlocked, vaultId: VaultId): ReadKeys {
  const secrets = vaultSecrets(unlocked, vaultId);
  const epoch = currentEpoch(vaultRecord(unlocked.keychain, vaultId));
  return {
    vaultId,
    accountId: unlocked.accountId,
    idKey: secrets.idKey,
    chunkerKey: secrets.chunkerKey,
    indexKeys: new Map(secrets.epochs.map(({ indexKey }, number) => [number, indexKey])),
    epoch: epoch.epoch,
    readKeyPublic: epoch.readKey,
    readKeySeeds: new Map(secrets.epochs.map(({ readKeySeed }, number) => [number, readKeySeed])),
  };
}

/**
 * The vault's keys in the keyring.
 * @throws RollbackError when the keyring is older than the keychain, AccountFaultError when it lacks the vault.
 */
export function vaultSecrets(unlocked: Pick<Unlocked, 'keyring' | 'keychain'>, vaultId: VaultId): VaultSecrets {
  const name = toHex(vaultId);
  const secrets = unlocked.keyring.vaults.find((vault) => toHex(vault.vaultId) === name);
  if (secrets === undefined) {
    throw new AccountFaultError('account-mismatch', `look up vault ${name}: the keyring lacks it`);
  }
  const { epoch } = currentEpoch(vaultRecord(unlocked.keychain, vaultId));
  if (secrets.epochs.length <= epoch) {
    throw new RollbackError(`open keyring: it ends at epoch ${secrets.epochs.length - 1}, the keychain at ${epoch}`);
  }
  return secrets;
}
