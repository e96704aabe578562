/**
 * A new computer takes over from an old device (security.md §3.10, Adopting): it relies on what the old one and those
 * before it stored, so that its first backup stores next to nothing, and the old one is revoked. Can be repeated: what is
 * done already stays done.
 */
import { equalBytes, toHex } from '@keephold/bytes';
import { systemRandom } from '@keephold/crypto';
import { type DeviceId, type DeviceRecord, deviceRecord, type KeychainState } from '@keephold/protocol';
import { revokeDevice, trustForDedup, type Unlocked } from '@keephold/vault';
import { openAsDevice } from '../../access/open-device.ts';
import { requireOwner } from '../../access/unlock.ts';
import type { Context } from '../../context.ts';
import { CommandError, exitCodes } from '../../errors.ts';

export interface Adoption {
  readonly old: DeviceId;
  /** The newest commit of the old device that was restored from. */
  readonly restoredSeq: number;
}

/** Asks for the password. */
export async function adopt(context: Context, { old, restoredSeq }: Adoption): Promise<void> {
  const { out } = context;
  const access = await openAsDevice(context);
  await using _closed = access;
  const { custody, state, vaultId, chain } = access;
  requireOther(state.deviceId, old);
  const owner =
    access.unlocked ?? (await requireOwner(context, custody, 'taking over from a device needs the password'));
  const now = context.now();
  const trusted = trustsAfter(owner.keychain, state.deviceId, old);
  const trusting = await withTrust(owner, { deviceId: state.deviceId, trusted }, { custody, now });
  const heads = chain.pin.seq === 0 ? new Map() : new Map([[toHex(vaultId), chain.pin]]);
  await revokeDevice(trusting, { custody, deviceId: old, heads, now, random: systemRandom });
  const id = toHex(old);
  await out.answer(`this computer has taken over from ${id.slice(0, 8)}, which is revoked`, {
    type: 'adopted',
    old: id,
    deviceId: toHex(state.deviceId),
  });
  // It may have backed up until a moment ago.
  const newer = (await custody.snapshots(vaultId)).some(
    ({ deviceId, seq }) => equalBytes(deviceId, old) && seq > restoredSeq,
  );
  if (newer) out.warn('the old device backed up meanwhile: run the same restore again for what is newer');
}

/** @throws CommandError when a device is to take over from itself. */
export function requireOther(own: DeviceId | undefined, old: DeviceId): void {
  if (own === undefined || !equalBytes(own, old)) return;
  throw new CommandError('that is the device you are at: there is nothing to take over', {
    code: 'own-device',
    exitCode: exitCodes.usage,
    hint: 'leave out --adopt',
  });
}

type Trust = Parameters<typeof trustForDedup>[1];

async function withTrust(
  owner: Unlocked,
  trust: Trust,
  options: Parameters<typeof trustForDedup>[2],
): Promise<Unlocked> {
  const before = trustsOf(owner.keychain, trust.deviceId);
  if (trust.trusted.every((id) => before.has(toHex(id)))) return owner;
  return await trustForDedup(owner, trust, options);
}

/** What the device relies on already, the old one, and what that relied on. */
function trustsAfter(keychain: KeychainState, own: DeviceId, old: DeviceId): readonly DeviceId[] {
  const found = deviceRecord(keychain, old);
  const ids = [...trustsOf(keychain, own).values(), old, ...(found?.trusts ?? [])];
  const byId = new Map(ids.map((id) => [toHex(id), id]));
  byId.delete(toHex(own));
  return [...byId.values()];
}

function trustsOf(keychain: KeychainState, id: DeviceId): ReadonlyMap<string, DeviceId> {
  const trusts: DeviceRecord['trusts'] = deviceRecord(keychain, id)?.trusts ?? [];
  return new Map(trusts.map((one) => [toHex(one), one]));
}
