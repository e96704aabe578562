/**
 * Revoking a device (security.md §3.12): from the entry on it may not write, and every vault it had goes on under new
 * keys, which the others get as grants.
 *
 * The keys of an epoch come from the root key, the vault and the number of the epoch. So two apps that revoke at once make
 * the same ones, and a crash after the keyring was written leaves nothing that a repetition would contradict:
 * Expand(ARK, LBL("ark/keyring") ‖ accountId ‖ vaultId ‖ e as u32 ‖ 1 for indexKey or 2 for readKey, 32).
 */
import { concatBytes, toHex, u32le } from '@keephold/bytes';
import {
  expandKey,
  type IndexKey,
  label,
  objectName,
  type RandomSource,
  type XWingSeed,
  xWingFromSeed,
} from '@keephold/crypto';
import {
  type AccountCustody,
  asObjectName,
  type ChainPin,
  currentEpoch,
  type DeviceId,
  type DeviceRecord,
  deviceRecord,
  genesisHashOf,
  type ObjectName,
  type VaultId,
  vaultRecord,
} from '@keephold/protocol';
import { VaultError } from './errors.ts';
import { readGrant, sealGrant, writeGrant } from './grant.ts';
import { appendToKeychain, refreshKeychain, tryAppend } from './keychain-append.ts';
import { type EpochKeys, type Keyring, sealKeyring } from './keyring.ts';
import { keychainPin, readKeys, type Unlocked } from './unlocked.ts';

export interface RevokeDeviceOptions {
  readonly custody: Pick<AccountCustody, 'keychain' | 'appendKeychain' | 'keyring' | 'putKeyring' | 'putGrant'>;
  readonly deviceId: DeviceId;
  /** The verified head of each vault, by hex of its id: what the new grants pin. */
  readonly heads: ReadonlyMap<string, ChainPin>;
  /** Unix milliseconds. */
  readonly now: number;
  readonly random: RandomSource;
}

/**
 * Can be repeated: a device that is revoked already stays so, and only epochs that are still missing are added.
 * @throws VaultError `no-such-device`
 */
export async function revokeDevice(unlocked: Unlocked, options: RevokeDeviceOptions): Promise<Unlocked> {
  const { custody, deviceId, now } = options;
  const device = deviceRecord(unlocked.keychain, deviceId);
  if (device === undefined) throw new VaultError('no-such-device', `revoke device: there is no ${toHex(deviceId)}`);
  let current = unlocked;
  if (device.revokedSeq === undefined) {
    const { keychain, identity } = current;
    const body = { kind: 'revoke-device', deviceId } as const;
    current = { ...current, keychain: await appendToKeychain({ custody, keychain, identity, now }, body) };
  }
  for (const vaultId of device.vaults) current = await rotateAfter(current, { vaultId, deviceId, options });
  return current;
}

interface Rotation {
  readonly vaultId: VaultId;
  readonly deviceId: DeviceId;
  readonly options: RevokeDeviceOptions;
}

const MAX_ATTEMPTS = 16;

/** A rotation after the revocation, whoever made it, is enough. */
async function rotateAfter(unlocked: Unlocked, rotation: Rotation): Promise<Unlocked> {
  const { vaultId, deviceId, options } = rotation;
  let current = unlocked;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const revokedSeq = deviceRecord(current.keychain, deviceId)?.revokedSeq ?? 0;
    if (currentEpoch(vaultRecord(current.keychain, vaultId)).seq > revokedSeq)
      return await withEpochs(current, options);
    const rotated = await tryRotate(current, rotation);
    if (rotated !== undefined) return rotated;
    current = { ...current, keychain: await refreshKeychain(options.custody, current.keychain) };
  }
  throw new VaultError('conflict', `rotate keys: others were first ${MAX_ATTEMPTS} times`);
}

/** Keyring, grants, entry: what the entry names is there before it. Undefined when another entry was first. */
async function tryRotate(unlocked: Unlocked, { vaultId, options }: Rotation): Promise<Unlocked | undefined> {
  const { custody, now } = options;
  const grown = await withEpochs(unlocked, options, vaultId);
  const { keychain, identity } = grown;
  const epoch = currentEpoch(vaultRecord(keychain, vaultId)).epoch + 1;
  const readKey = (await epochKeys(grown, vaultId, epoch)).readKeyPublic;
  const grants = await putGrants(grown, { vaultId, epoch, readKey, options });
  const body = { kind: 'rotate-epoch', vaultId, epoch, readKey, grants } as const;
  const next = await tryAppend({ custody, keychain, identity, now }, body);
  return next === undefined ? undefined : { ...grown, keychain: next };
}

/** The keyring with every epoch of the keychain, and with one more of `next`; stored when that adds something. */
async function withEpochs(unlocked: Unlocked, options: RevokeDeviceOptions, next?: VaultId): Promise<Unlocked> {
  const { keyring, keychain, secret } = unlocked;
  const vaults = await Promise.all(
    keyring.vaults.map(async (vault) => {
      const more = next !== undefined && toHex(next) === toHex(vault.vaultId) ? 1 : 0;
      const wanted = currentEpoch(vaultRecord(keychain, vault.vaultId)).epoch + 1 + more;
      const epochs = [...vault.epochs];
      while (epochs.length < wanted) epochs.push((await epochKeys(unlocked, vault.vaultId, epochs.length)).keys);
      return { ...vault, epochs };
    }),
  );
  if (vaults.every((vault, at) => vault.epochs.length === keyring.vaults[at]?.epochs.length)) return unlocked;
  const grown: Keyring = { ...keyring, vaults, keychainPin: keychainPin(keychain) };
  await options.custody.putKeyring(await sealKeyring(grown, secret.ark, options.random));
  return { ...unlocked, keyring: grown };
}

interface NewEpoch {
  readonly keys: EpochKeys;
  readonly readKeyPublic: Uint8Array;
}

async function epochKeys({ secret, accountId }: Unlocked, vaultId: VaultId, epoch: number): Promise<NewEpoch> {
  const info = concatBytes(label('ark/keyring'), accountId, vaultId, u32le(epoch));
  const indexKey: IndexKey = expandKey('IndexKey', secret.ark, info, Uint8Array.of(1));
  const readKeySeed: XWingSeed = expandKey('XWingSeed', secret.ark, info, Uint8Array.of(2));
  const { publicKey } = await xWingFromSeed(readKeySeed);
  return { keys: { indexKey, readKeySeed }, readKeyPublic: publicKey };
}

interface GrantsToMake {
  readonly vaultId: VaultId;
  readonly epoch: number;
  readonly readKey: Uint8Array;
  readonly options: RevokeDeviceOptions;
}

async function putGrants(unlocked: Unlocked, wanted: GrantsToMake): Promise<readonly ObjectName[]> {
  const { keychain } = unlocked;
  const { vaultId, options } = wanted;
  const has = ({ revokedSeq, vaults }: DeviceRecord): boolean =>
    revokedSeq === undefined && vaults.some((id) => toHex(id) === toHex(vaultId));
  const names: ObjectName[] = [];
  for (const device of [...keychain.devices.values()].filter(has)) {
    const sealed = await sealedGrantFor(unlocked, device, wanted);
    const name = asObjectName(objectName(sealed));
    await options.custody.putGrant(name, sealed);
    names.push(name);
  }
  return names;
}

async function sealedGrantFor(unlocked: Unlocked, device: DeviceRecord, wanted: GrantsToMake): Promise<Uint8Array> {
  const { vaultId, epoch, readKey, options } = wanted;
  const { keychain } = unlocked;
  const keys = { ...readKeys(unlocked, vaultId), epoch, readKeyPublic: readKey };
  const headPin = options.heads.get(toHex(vaultId));
  const pins = { genesisHash: genesisHashOf(keychain), keychainPin: keychainPin(keychain), headPin };
  return await sealGrant({
    grant: device.role === 'trusted' ? readGrant(keys, pins) : writeGrant(keys, pins),
    deviceId: device.deviceId,
    recipient: device.exchangeKey,
    keychainSeq: keychain.seq + 1,
    random: options.random,
  });
}
