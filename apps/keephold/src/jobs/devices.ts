/** The devices of an account, as its keychain has them. */
import { toHex } from '@keephold/bytes';
import { FollowedChain } from '@keephold/engine';
import type { ChainPin, Custody, DeviceRecord, KeychainState, VaultId } from '@keephold/protocol';
import { openName, recordVerifier, type Unlocked } from '@keephold/vault';

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
