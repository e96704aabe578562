/** The start of every run of a device: the keychain from its pin, and whether what it holds is still good. */
import { equalBytes, toHex } from '@keephold/bytes';
import {
  type AccountCustody,
  currentEpoch,
  deviceKeyAt,
  ForkError,
  genesisHashOf,
  type KeychainState,
  requireKeychainPin,
  vaultRecord,
} from '@keephold/protocol';
import { type DeviceState, withPins } from './device-state.ts';
import { DeviceFaultError } from './errors.ts';
import { keychainPin } from './unlocked.ts';
import { walkStoredKeychain } from './walk-stored-keychain.ts';

export interface OpenedDevice {
  /** With the keychain pin moved on; to be persisted. */
  readonly state: DeviceState;
  readonly keychain: KeychainState;
}

/**
 * @throws RollbackError, ForkError, ChainError when the keychain is not a continuation of what this device has seen;
 *   DeviceFaultError `device-revoked` or `grant-stale` when it can no longer write.
 */
export async function openDevice(custody: Pick<AccountCustody, 'keychain'>, state: DeviceState): Promise<OpenedDevice> {
  const keychain = walkStoredKeychain(await custody.keychain(0));
  requireDeviceInForce(state, keychain);
  return { state: withPins(state, { keychain: keychainPin(keychain) }), keychain };
}

/** As `openDevice`, for a keychain that was walked already. */
export function requireDeviceInForce(state: DeviceState, keychain: KeychainState): void {
  const { grant, deviceId } = state;
  const { vaultId } = grant;
  if (!equalBytes(genesisHashOf(keychain), grant.genesisHash)) {
    throw new ForkError('open device: the keychain begins differently from the one this device was added to');
  }
  requireKeychainPin(keychain, grant.keychainPin);
  if (deviceKeyAt(keychain, { deviceId, vaultId, keychainSeq: keychain.seq }) === undefined) {
    throw new DeviceFaultError('device-revoked', `open device: ${toHex(deviceId)} may no longer write this vault`);
  }
  const { epoch, readKey } = currentEpoch(vaultRecord(keychain, vaultId));
  if (epoch !== grant.indexKeys.length - 1 || !equalBytes(readKey, grant.readKeyPublic)) {
    throw new DeviceFaultError('grant-stale', `open device: its keys are not those of epoch ${epoch}`);
  }
}
