/** Another name for a device (security.md §3.11): sealed like its first one, so that no keeper learns it. */
import type { RandomSource } from '@keephold/crypto';
import { type AccountCustody, type DeviceId, deviceRecord } from '@keephold/protocol';
import { VaultError } from './errors.ts';
import { appendToKeychain } from './keychain-append.ts';
import { LONGEST_NAME, openName, sealName } from './sealed-name.ts';
import type { Unlocked } from './unlocked.ts';

export interface RenameDeviceOptions {
  readonly custody: Pick<AccountCustody, 'keychain' | 'appendKeychain'>;
  readonly deviceId: DeviceId;
  /** 1 to 255 UTF-16 units. */
  readonly name: string;
  /** Unix milliseconds. */
  readonly now: number;
  readonly random: RandomSource;
}

/**
 * Nothing is written when that is its name already. Of two apps that rename at once, the last entry counts.
 * @throws VaultError `no-such-device`, `bad-name`
 */
export async function renameDevice(unlocked: Unlocked, options: RenameDeviceOptions): Promise<Unlocked> {
  const { custody, deviceId, name, now, random } = options;
  if (name === '' || name.length > LONGEST_NAME || !name.isWellFormed()) {
    throw new VaultError('bad-name', `rename device: a name has 1 to ${LONGEST_NAME} characters`);
  }
  const { keychain, identity, accountId, secret } = unlocked;
  const device = deviceRecord(keychain, deviceId);
  if (device === undefined) throw new VaultError('no-such-device', 'rename device: the account has no such device');
  const context = { ...secret, accountId };
  const { sealedName: sealed } = device;
  if (sealed !== undefined && (await openName(sealed, context)) === name) return unlocked;
  const body = { kind: 'rename-device', deviceId, sealedName: await sealName(name, context, random) } as const;
  return { ...unlocked, keychain: await appendToKeychain({ custody, keychain, identity, now }, body) };
}
