/**
 * After a rotation: a device takes its new keys from the grant that the rotation made for it. No password is needed, and
 * nothing is believed that the keychain does not name.
 */
import { equalBytes, fromHex } from '@keephold/bytes';
import { CryptoError, parseObjectHeader } from '@keephold/crypto';
import {
  type AccountCustody,
  asObjectName,
  currentEpoch,
  type KeychainState,
  requireKeychainPin,
  vaultRecord,
} from '@keephold/protocol';
import { type DeviceState, withChain } from './device-state.ts';
import { type Grant, openGrant } from './grant.ts';
import { requireDeviceInForce } from './open-device.ts';
import { keychainPin } from './unlocked.ts';

/**
 * The state with the keys of the epoch in force, to be persisted; undefined when no grant was made for this device. The
 * pin of the head stays, and the session chain ends with its epoch.
 * @throws DeviceFaultError `device-revoked`, `grant-stale`; RollbackError, ForkError when the keychain goes back.
 */
export async function renewGrant(
  custody: Pick<AccountCustody, 'grant'>,
  state: DeviceState,
  keychain: KeychainState,
): Promise<DeviceState | undefined> {
  requireKeychainPin(keychain, state.grant.keychainPin);
  const grant = await grantForDevice(custody, state, keychain);
  if (grant === undefined || !equalBytes(grant.vaultId, state.grant.vaultId)) return undefined;
  const { headPin } = state.grant;
  const renewed = withChain({ ...state, grant: { ...grant, keychainPin: keychainPin(keychain), headPin } }, undefined);
  requireDeviceInForce(renewed, keychain);
  return renewed;
}

/** Of the grants that the rotation to the epoch in force names, the one for this device. */
async function grantForDevice(
  custody: Pick<AccountCustody, 'grant'>,
  state: DeviceState,
  keychain: KeychainState,
): Promise<Grant | undefined> {
  const { seq } = currentEpoch(vaultRecord(keychain, state.grant.vaultId));
  for (const [name, namedAt] of keychain.grants) {
    if (namedAt !== seq) continue;
    const sealed = await custody.grant(asObjectName(fromHex(name)));
    if (sealed === undefined || !isFor(sealed, state.deviceId)) continue;
    const { deviceId, exchangeSeed: seed } = state;
    return await openGrant({ sealed, deviceId, keychain, keychainSeq: seq, seed });
  }
  return undefined;
}

function isFor(sealed: Uint8Array, deviceId: Uint8Array): boolean {
  try {
    return equalBytes(parseObjectHeader(sealed).contextId, deviceId);
  } catch (error) {
    if (error instanceof CryptoError) return false;
    throw error;
  }
}
