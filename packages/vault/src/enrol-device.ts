/** Adding the device this runs on to an unlocked account: keys are made here, the grant goes straight into its state. */
import { type RandomSource, sign } from '@keephold/crypto';
import {
  type AccountCustody,
  type AccountId,
  type AddDeviceBody,
  type ChainPin,
  type DeviceRole,
  deviceCountersigningBody,
  genesisHashOf,
  type KeychainState,
  keychainSigningInput,
  type VaultId,
} from '@keephold/protocol';
import { type DeviceKeys, type DeviceState, generateDeviceKeys } from './device-state.ts';
import { readGrant, writeGrant } from './grant.ts';
import { appendToKeychain } from './keychain-append.ts';
import type { ReadKeys } from './keys.ts';
import { sealName } from './sealed-name.ts';
import { keychainPin, readKeys, type Unlocked } from './unlocked.ts';

export interface EnrolDeviceOptions {
  readonly custody: Pick<AccountCustody, 'keychain' | 'appendKeychain'>;
  readonly vaultId: VaultId;
  readonly role: DeviceRole;
  readonly name?: string;
  /** The verified head of the vault, to start with a pin; undefined when it has no commit or was not read. */
  readonly headPin?: ChainPin;
  /** Unix milliseconds. */
  readonly now: number;
  readonly random: RandomSource;
}

export interface EnrolledDevice {
  /** To be persisted before anything is written with it. */
  readonly state: DeviceState;
  readonly unlocked: Unlocked;
}

/** @throws ChainError when the account has no such vault. */
export async function enrolDevice(unlocked: Unlocked, options: EnrolDeviceOptions): Promise<EnrolledDevice> {
  const { custody, vaultId, role, name, now, random } = options;
  const keys = await generateDeviceKeys(random);
  const nameContext = { ...unlocked.secret, accountId: unlocked.accountId };
  const sealedName = name === undefined ? undefined : await sealName(name, nameContext, random);
  const body = addDeviceBody({ accountId: unlocked.accountId, keys, role, vaults: [vaultId], sealedName });
  const { identity } = unlocked;
  const keychain = await appendToKeychain({ custody, keychain: unlocked.keychain, identity, now }, body);
  const grown = { ...unlocked, keychain };
  const state = embeddedDeviceState({
    keys,
    role,
    readKeys: readKeys(grown, vaultId),
    keychain,
    headPin: options.headPin,
  });
  return { state, unlocked: grown };
}

export interface AddDeviceBodyOptions {
  readonly accountId: AccountId;
  readonly keys: DeviceKeys;
  readonly role: DeviceRole;
  readonly vaults: readonly VaultId[];
  readonly sealedName: Uint8Array | undefined;
}

/** The entry's body, countersigned by the device. Grants of an embedded device are not objects, so none is named. */
export function addDeviceBody(options: AddDeviceBodyOptions): AddDeviceBody {
  const { accountId, keys, role, vaults, sealedName } = options;
  const fields = { bundle: keys.bundle, role, vaults, grants: [], sealedName };
  const message = keychainSigningInput(deviceCountersigningBody(accountId, fields));
  return { kind: 'add-device', ...fields, countersignature: sign(keys.signingSeed, message) };
}

export interface EmbeddedDeviceOptions {
  readonly keys: DeviceKeys;
  readonly role: DeviceRole;
  readonly readKeys: ReadKeys;
  readonly keychain: KeychainState;
  readonly headPin: ChainPin | undefined;
}

/** The state of a device whose grant needs no transport; only a trusted one gets read keys. */
export function embeddedDeviceState(options: EmbeddedDeviceOptions): DeviceState {
  const { keys, role, keychain, headPin } = options;
  const pins = { genesisHash: genesisHashOf(keychain), keychainPin: keychainPin(keychain), headPin };
  const grant = role === 'trusted' ? readGrant(options.readKeys, pins) : writeGrant(options.readKeys, pins);
  return { ...keys, role, grant, chain: undefined };
}
