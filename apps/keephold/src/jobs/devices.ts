/** The devices of an account, as its keychain has them. */
import { toHex } from '@keephold/bytes';
import { FollowedChain } from '@keephold/engine';
import type { ChainPin, Custody, DeviceRecord, KeychainState, VaultId } from '@keephold/protocol';
import { openName, recordVerifier, type Unlocked } from '@keephold/vault';
import { CommandError, exitCodes } from '../errors.ts';

export interface ListedDevice {
  readonly id: string;
  /** Undefined while nobody gave the password: names are sealed. */
  readonly name: string | undefined;
  readonly role: DeviceRecord['role'];
  readonly isRevoked: boolean;
  /** When the keeper received its newest snapshot, unix milliseconds. */
  readonly lastBackup: number | undefined;
}

export interface DeviceListing {
  readonly keychain: KeychainState;
  readonly custody: Pick<Custody, 'snapshots'>;
  readonly unlocked: Unlocked | undefined;
}

/** In the order in which they were added. */
export async function listDevices({ keychain, custody, unlocked }: DeviceListing): Promise<readonly ListedDevice[]> {
  const last = await lastBackups(keychain, custody);
  return await Promise.all(
    [...keychain.devices].map(async ([id, { role, revokedSeq, sealedName }]) => ({
      id,
      name: unlocked && (await nameOf(sealedName, unlocked)),
      role,
      isRevoked: revokedSeq !== undefined,
      lastBackup: last.get(id),
    })),
  );
}

/**
 * The one whose name that is, or whose id begins so. Names count only for who has the password; of devices that share
 * one, those that are not revoked come first.
 * @throws CommandError `no-such-device`
 */
export async function findDevice(keychain: KeychainState, wanted: string, unlocked?: Unlocked): Promise<DeviceRecord> {
  const all = [...keychain.devices];
  const named = unlocked === undefined ? [] : await devicesNamed(wanted, unlocked, all);
  const going = named.filter(({ revokedSeq }) => revokedSeq === undefined);
  const isId = /^[0-9a-f]{4,32}$/i.test(wanted);
  const byId = all.flatMap(([hex, device]) => (isId && hex.startsWith(wanted.toLowerCase()) ? [device] : []));
  const found = going.length > 0 ? going : named.length > 0 ? named : byId;
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  const called = unlocked === undefined ? `an id that begins with "${wanted}"` : `the name or id "${wanted}"`;
  throw new CommandError(`${only === undefined ? 'no' : 'more than one'} device has ${called}`, {
    code: 'no-such-device',
    exitCode: exitCodes.failed,
    hint: 'keephold device list shows them',
  });
}

async function devicesNamed(
  name: string,
  unlocked: Unlocked,
  devices: readonly (readonly [string, DeviceRecord])[],
): Promise<readonly DeviceRecord[]> {
  const names = await Promise.all(devices.map(async ([, { sealedName }]) => await nameOf(sealedName, unlocked)));
  return devices.flatMap(([, device], at) => (name !== '' && names[at] === name ? [device] : []));
}

async function nameOf(sealed: Uint8Array | undefined, { secret, accountId }: Unlocked): Promise<string> {
  return sealed === undefined ? '' : await openName(sealed, { ...secret, accountId });
}

async function lastBackups(
  keychain: KeychainState,
  custody: DeviceListing['custody'],
): Promise<ReadonlyMap<string, number>> {
  const last = new Map<string, number>();
  for (const { vaultId } of keychain.vaults.values()) {
    for (const { deviceId, receivedAt } of await custody.snapshots(vaultId)) {
      const id = toHex(deviceId);
      last.set(id, Math.max(receivedAt, last.get(id) ?? 0));
    }
  }
  return last;
}

export interface HeadToFollow {
  readonly custody: Custody;
  readonly keychain: KeychainState;
  readonly vaultId: VaultId;
  /** The newest commit that this machine has seen. */
  readonly pin: ChainPin | undefined;
}

/** The head of a vault as far as it is verified: what others are to start with. Undefined while it has no commit. */
export async function verifiedHead({ custody, keychain, vaultId, pin }: HeadToFollow): Promise<ChainPin | undefined> {
  const chain = new FollowedChain({ custody, vaultId, keychain, verifier: recordVerifier, pin });
  await chain.head();
  return chain.pin.seq === 0 ? undefined : chain.pin;
}
