/** After a device was revoked the others go on under new keys: each takes its own from its grant, without a password. */
import { type Custody, walkKeychain } from '@keephold/protocol';
import { DeviceFaultError, type DeviceState, recordVerifier, renewGrant } from '@keephold/vault';
import type { DeviceStore } from './device-store.ts';

/**
 * Runs `open` with what this device holds, and once more with new keys where those it held were too old; those are kept.
 * @throws what `open` throws, DeviceFaultError among it when there is no grant for this device.
 */
export async function withCurrentKeys<T>(
  device: { readonly store: DeviceStore; readonly stored: DeviceState; readonly custody: Custody },
  open: (state: DeviceState) => Promise<T>,
): Promise<T> {
  const { store, stored, custody } = device;
  try {
    return await open(stored);
  } catch (error) {
    if (!(error instanceof DeviceFaultError) || error.code !== 'grant-stale') throw error;
    const keychain = walkKeychain(await custody.keychain(0), recordVerifier);
    const renewed = await renewGrant(custody, stored, keychain);
    if (renewed === undefined) throw error;
    await store.create(renewed);
    return await open(renewed);
  }
}
