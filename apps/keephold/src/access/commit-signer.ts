/** Signs commits of this device, besides those of a backup. */
import { sign } from '@keephold/crypto';
import type { Custody, KeychainState } from '@keephold/protocol';
import type { Context } from '../context.ts';
import type { DeviceAccess } from './open-device.ts';

export interface DeviceSigner {
  readonly custody: Custody;
  readonly keychain: () => KeychainState;
  readonly sign: (message: Uint8Array) => Uint8Array;
  /** Unix nanoseconds. */
  readonly now: () => bigint;
}

export function commitSignerOf(
  context: Pick<Context, 'now'>,
  { custody, state, chain }: Pick<DeviceAccess, 'custody' | 'state' | 'chain'>,
): DeviceSigner {
  return {
    custody,
    keychain: () => chain.keychain,
    sign: (message) => sign(state.signingSeed, message),
    now: () => BigInt(context.now()) * 1_000_000n,
  };
}
