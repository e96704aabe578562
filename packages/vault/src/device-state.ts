/**
 * What a device keeps between runs (security.md §4): its keys, its grant, pins and the chain of its sessions. The record
 * is written to the device's state directory, never into the repository, readable by the owner only (0600), and each
 * time with fsync, because a chain key that comes back after a crash would be used twice.
 *
 * ```
 * CBOR {0:1, 1:role (1 backup-only, 2 trusted), 2:deviceKey seed, 3:DXK seed, 4:bundle, 5:grant bytes, 6:chain state?}
 * ```
 * Pins are those of the grant. A trusted device's grant holds read keys; whoever keeps those in the system's keystore
 * stores `withoutReadKeys(state)` here and `readKeysRecord(state)` there.
 */
import { type CborValue, encodeCbor, equalBytes } from '@keephold/bytes';
import {
  asKey,
  decodeDeviceBundle,
  deviceId as deviceIdOf,
  type Ed25519Seed,
  ed25519FromSeed,
  encodeDeviceBundle,
  generateEd25519,
  generateXWing,
  type RandomSource,
  type XWingSeed,
} from '@keephold/crypto';
import {
  asDeviceId,
  BUNDLE_LENGTH,
  type ChainPin,
  type DeviceId,
  type DeviceRole,
  decodeRecord,
  MalformedRecordError,
  requireHeadFromPin,
} from '@keephold/protocol';
import { DeviceFaultError } from './errors.ts';
import { decodeGrant, encodeGrant, type Grant } from './grant.ts';
import type { ReadKeys, WriteKeys } from './keys.ts';
import { type ChainState, chainStateMap, readChainState } from './session-chain.ts';

const VERSION = 1;
const ROLES: readonly (DeviceRole | undefined)[] = [undefined, 'backup-only', 'trusted'];

/** Keys that never leave the device. */
export interface DeviceKeys {
  readonly deviceId: DeviceId;
  /** deviceKey, Ed25519: signs commits. */
  readonly signingSeed: Ed25519Seed;
  /** DXK, X-Wing: receives grants. */
  readonly exchangeSeed: XWingSeed;
  /** Public halves, as in the keychain. */
  readonly bundle: Uint8Array;
}

export interface DeviceState extends DeviceKeys {
  readonly role: DeviceRole;
  readonly grant: Grant;
  readonly chain: ChainState | undefined;
}

export async function generateDeviceKeys(random: RandomSource): Promise<DeviceKeys> {
  const signing = generateEd25519(random);
  const exchange = await generateXWing(random);
  const bundle = encodeDeviceBundle({ signing: signing.publicKey, exchange: exchange.publicKey });
  const deviceId = asDeviceId(deviceIdOf(bundle));
  return { deviceId, signingSeed: signing.seed, exchangeSeed: exchange.seed, bundle };
}

export function encodeDeviceState(state: DeviceState): Uint8Array<ArrayBuffer> {
  const fields = new Map<number, CborValue>([
    [0, VERSION],
    [1, ROLES.indexOf(state.role)],
    [2, state.signingSeed],
    [3, state.exchangeSeed],
    [4, state.bundle],
    [5, encodeGrant(state.grant)],
  ]);
  if (state.chain !== undefined) fields.set(6, chainStateMap(state.chain));
  return encodeCbor(fields);
}

/** @throws DeviceFaultError `device-state-damaged` */
export function decodeDeviceState(bytes: Uint8Array): DeviceState {
  try {
    return readDeviceState(bytes);
  } catch (cause) {
    throw new DeviceFaultError('device-state-damaged', 'read device state: it is damaged', { cause });
  }
}

function readDeviceState(bytes: Uint8Array): DeviceState {
  const fields = decodeRecord(bytes, 'device state');
  fields.uint(0, VERSION, VERSION);
  const role = ROLES[fields.uint(1, 1, ROLES.length - 1)] as DeviceRole;
  const signingSeed = asKey('Ed25519Seed', fields.bytes(2, 32));
  const exchangeSeed = asKey('XWingSeed', fields.bytes(3, 32));
  const bundle = fields.bytes(4, BUNDLE_LENGTH);
  const grant = decodeGrant(fields.bytes(5));
  const chain = fields.has(6) ? readChainState(fields.take(6)) : undefined;
  fields.end();
  // The X-Wing half is not recomputed: that would load a library which most runs do not need.
  if (!equalBytes(decodeDeviceBundle(bundle).signing, ed25519FromSeed(signingSeed).publicKey)) {
    throw new MalformedRecordError('read device state: key and bundle differ');
  }
  const deviceId = asDeviceId(deviceIdOf(bundle));
  return { deviceId, role, signingSeed, exchangeSeed, bundle, grant, chain };
}

export function writeKeysOf(state: DeviceState): WriteKeys {
  const { grant, deviceId } = state;
  return {
    vaultId: grant.vaultId,
    accountId: grant.accountId,
    deviceId,
    idKey: grant.idKey,
    chunkerKey: grant.chunkerKey,
    indexKeys: byEpoch(grant.indexKeys),
    epoch: grant.indexKeys.length - 1,
    readKeyPublic: grant.readKeyPublic,
  };
}

/** Undefined on a backup-only device, and while a trusted one's read keys are elsewhere. */
export function readKeysOf(state: DeviceState): ReadKeys | undefined {
  const seeds = state.grant.readKeySeeds;
  if (seeds === undefined) return undefined;
  const { deviceId: _device, ...keys } = writeKeysOf(state);
  return { ...keys, readKeySeeds: byEpoch(seeds) };
}

/** The state with the read keys taken out. */
export function withoutReadKeys(state: DeviceState): DeviceState {
  return { ...state, grant: { ...state.grant, readKeySeeds: undefined } };
}

/** The read keys alone, for a keystore: `{0:1, 1:vaultId, 2:[readKey_e seed]}`; undefined when there are none. */
export function readKeysRecord(state: DeviceState): Uint8Array | undefined {
  const { vaultId, readKeySeeds } = state.grant;
  if (readKeySeeds === undefined) return undefined;
  return encodeCbor(
    new Map<number, CborValue>([
      [0, VERSION],
      [1, vaultId],
      [2, readKeySeeds],
    ]),
  );
}

/** @throws DeviceFaultError when the record is damaged, or of another vault or epoch. */
export function withReadKeys(state: DeviceState, record: Uint8Array): DeviceState {
  try {
    const fields = decodeRecord(record, 'read keys');
    fields.uint(0, VERSION, VERSION);
    const vaultId = fields.bytes(1);
    const readKeySeeds = fields.idList(2, 32).map((seed) => asKey('XWingSeed', seed));
    fields.end();
    if (!equalBytes(vaultId, state.grant.vaultId) || readKeySeeds.length !== state.grant.indexKeys.length) {
      throw new MalformedRecordError('read read keys: they are of another vault or epoch');
    }
    return { ...state, grant: { ...state.grant, readKeySeeds } };
  } catch (cause) {
    throw new DeviceFaultError('device-state-damaged', 'read read keys: they do not fit this device', { cause });
  }
}

/** The state with pins moved on; both only after everything up to them was verified. */
export function withPins(
  state: DeviceState,
  pins: { readonly keychain?: ChainPin; readonly head?: ChainPin },
): DeviceState {
  const { grant } = state;
  const keychainPin = pins.keychain ?? grant.keychainPin;
  const headPin = pins.head ?? grant.headPin;
  if (keychainPin.seq < grant.keychainPin.seq) throw new RangeError('move pin: the keychain pin never goes back');
  if (headPin !== undefined && grant.headPin !== undefined) requireHeadFromPin(headPin, grant.headPin);
  return { ...state, grant: { ...grant, keychainPin, headPin } };
}

/** The state with pins that the owner accepts although they go back or elsewhere. */
export function withAcceptedPins(
  state: DeviceState,
  pins: { readonly keychain: ChainPin; readonly head: ChainPin },
): DeviceState {
  return { ...state, grant: { ...state.grant, keychainPin: pins.keychain, headPin: pins.head } };
}

export function withChain(state: DeviceState, chain: ChainState | undefined): DeviceState {
  return { ...state, chain };
}

function byEpoch<T>(keys: readonly T[]): ReadonlyMap<number, T> {
  return new Map(keys.map((key, epoch) => [epoch, key]));
}
