/**
 * What each kind of keychain entry changes, and which entries contradict what came before (security.md §3.11). Pure:
 * signatures and order were checked by keychain-walk.ts, which alone calls this.
 */
import { toHex } from '@keephold/bytes';
import { ChainError } from './errors.ts';
import { asDeviceId, ID_LENGTH } from './id-from-bytes.ts';
import type { DeviceId, ObjectName, VaultId } from './ids.ts';
import { type AddDeviceBody, type KeychainBody, type KeychainEntry, SIGNING_KEY_LENGTH } from './keychain-entry.ts';
import {
  activeSlots,
  currentEpoch,
  type DeviceRecord,
  type KeychainState,
  type SlotEntry,
  type VaultRecord,
} from './keychain-state.ts';

/** The newest account version that this code knows. */
export const SUPPORTED_ACCOUNT_VERSION = 1;

export interface EntryContext {
  readonly entry: KeychainEntry;
  readonly entryHash: Uint8Array;
  /** Fingerprint of the bundle, for add-device. */
  readonly fingerprint: Uint8Array | undefined;
}

type Change = Partial<KeychainState>;
type Body<K extends KeychainBody['kind']> = Extract<KeychainBody, { readonly kind: K }>;

/**
 * The fields of the state that the entry changes.
 * @throws ChainError `conflict` when it contradicts an earlier entry, `newer-version` when it asks for more than this code.
 */
export function keychainChange(state: KeychainState, context: EntryContext): Change {
  const { body, seq, time } = context.entry;
  switch (body.kind) {
    case 'genesis':
      throw conflict(seq, 'a second genesis');
    case 'add-device':
      return addDevice(state, body, context);
    case 'revoke-device':
      return revokeDevice(state, body.deviceId, seq);
    case 'compromised-since':
      return changeDevice(state, body.deviceId, seq, { compromisedSince: body.since });
    case 'set-role':
      return {
        ...changeDevice(state, body.deviceId, seq, { role: body.role }),
        grants: withGrants(state, body.grants, seq),
      };
    case 'rename-device':
      return changeDevice(state, body.deviceId, seq, { sealedName: body.sealedName });
    case 'trust-dedup':
      for (const trusted of body.trusted) requireDevice(state, trusted, seq);
      return changeDevice(state, body.deviceId, seq, { trusts: body.trusted });
    case 'create-vault':
      return createVault(state, body, context);
    case 'rotate-epoch':
      return rotateEpoch(state, body, seq);
    case 'set-policy':
      return changeVault(state, requireVault(state, body.vaultId, seq), { policy: body.policy });
    case 'add-slot':
      return addSlot(state, body, seq);
    case 'remove-slot':
      return removeSlot(state, body.slotId, seq);
    case 'delete-request':
      requireVault(state, body.vaultId, seq);
      return {
        deleteRequests: [
          ...state.deleteRequests,
          { seq, time, vaultId: body.vaultId, snapshots: body.snapshots, cancelled: false },
        ],
      };
    case 'cancel-request':
      return cancelRequest(state, body.request, seq);
    case 'rotate-aik':
      return { identityKey: body.identityKey, exchangeKey: body.exchangeKey };
    case 'min-version':
      if (body.version <= SUPPORTED_ACCOUNT_VERSION) return {};
      throw new ChainError('newer-version', `read keychain: entry ${seq} asks for version ${body.version}`);
    case 'approve-heal':
      requireVault(state, body.vaultId, seq);
      requireDevice(state, body.deviceId, seq);
      return {
        healApprovals: [
          ...state.healApprovals,
          { seq, vaultId: body.vaultId, snapshot: body.snapshot, deviceId: body.deviceId },
        ],
      };
    case 'lend-read':
      requireVault(state, body.vaultId, seq);
      return { grants: withGrants(state, [body.grant], seq) };
    case 'release-hold':
      return changeVault(state, requireVault(state, body.vaultId, seq), { holdReleasedSeq: seq });
    case 'recovered':
      return {};
  }
}

function addDevice(state: KeychainState, body: AddDeviceBody, context: EntryContext): Change {
  const { seq } = context.entry;
  const deviceId = asDeviceId((context.fingerprint as Uint8Array).slice(0, ID_LENGTH));
  // A device that comes back makes new keys: an id that returns would let an old countersignature be played again.
  if (state.devices.has(toHex(deviceId))) throw conflict(seq, `device ${toHex(deviceId)} was added before`);
  for (const vault of body.vaults) requireVault(state, vault, seq);
  const device: DeviceRecord = {
    deviceId,
    signingKey: body.bundle.slice(1, 1 + SIGNING_KEY_LENGTH),
    exchangeKey: body.bundle.slice(1 + SIGNING_KEY_LENGTH),
    role: body.role,
    vaults: body.vaults,
    sealedName: body.sealedName,
    addedSeq: seq,
    revokedSeq: undefined,
    compromisedSince: undefined,
    trusts: [],
  };
  return {
    devices: new Map(state.devices).set(toHex(deviceId), device),
    grants: withGrants(state, body.grants, seq),
  };
}

function revokeDevice(state: KeychainState, deviceId: DeviceId, seq: number): Change {
  const device = requireDevice(state, deviceId, seq);
  if (device.revokedSeq !== undefined) throw conflict(seq, `device ${toHex(deviceId)} was revoked before`);
  return changeDevice(state, deviceId, seq, { revokedSeq: seq });
}

function createVault(state: KeychainState, body: Body<'create-vault'>, context: EntryContext): Change {
  const { seq } = context.entry;
  const name = toHex(body.vaultId);
  if (state.vaults.has(name)) throw conflict(seq, `vault ${name} was created before`);
  const vault: VaultRecord = {
    vaultId: body.vaultId,
    createdSeq: seq,
    createdHash: context.entryHash,
    policy: body.policy,
    epochs: [{ epoch: 0, readKey: body.readKey, seq }],
    sealedName: body.sealedName,
    holdReleasedSeq: undefined,
  };
  return { vaults: new Map(state.vaults).set(name, vault) };
}

function rotateEpoch(state: KeychainState, body: Body<'rotate-epoch'>, seq: number): Change {
  const vault = requireVault(state, body.vaultId, seq);
  const expected = currentEpoch(vault).epoch + 1;
  if (body.epoch !== expected) throw conflict(seq, `epoch ${body.epoch} where ${expected} is next`);
  const epochs = [...vault.epochs, { epoch: body.epoch, readKey: body.readKey, seq }];
  return { ...changeVault(state, vault, { epochs }), grants: withGrants(state, body.grants, seq) };
}

function addSlot(state: KeychainState, body: Body<'add-slot'>, seq: number): Change {
  const name = toHex(body.slotId);
  if (state.slots.has(name)) throw conflict(seq, `slot ${name} was added before`);
  const slot = { slotId: body.slotId, method: body.method, recordHash: body.recordHash, removed: false };
  return { slots: new Map(state.slots).set(name, slot) };
}

function removeSlot(state: KeychainState, slotId: Uint8Array, seq: number): Change {
  const name = toHex(slotId);
  const slot = state.slots.get(name);
  if (slot === undefined || slot.removed) throw conflict(seq, `slot ${name} is not there`);
  const slots = new Map<string, SlotEntry>(state.slots).set(name, { ...slot, removed: true });
  if (!activeSlots({ ...state, slots }).some((left) => left.method !== 'words')) {
    throw conflict(seq, 'the last slot besides the words cannot be removed');
  }
  return { slots };
}

function cancelRequest(state: KeychainState, request: number, seq: number): Change {
  const open = state.deleteRequests.find((candidate) => candidate.seq === request && !candidate.cancelled);
  if (open === undefined) throw conflict(seq, `entry ${request} is no open delete request`);
  return {
    deleteRequests: state.deleteRequests.map((item) => (item === open ? { ...item, cancelled: true } : item)),
  };
}

function changeDevice(state: KeychainState, id: DeviceId, seq: number, change: Partial<DeviceRecord>): Change {
  const device = requireDevice(state, id, seq);
  return { devices: new Map(state.devices).set(toHex(id), { ...device, ...change }) };
}

function changeVault(state: KeychainState, vault: VaultRecord, change: Partial<VaultRecord>): Change {
  return { vaults: new Map(state.vaults).set(toHex(vault.vaultId), { ...vault, ...change }) };
}

function withGrants(state: KeychainState, names: readonly ObjectName[], seq: number): ReadonlyMap<string, number> {
  const grants = new Map(state.grants);
  for (const name of names) grants.set(toHex(name), seq);
  return grants;
}

function requireDevice(state: KeychainState, id: DeviceId, seq: number): DeviceRecord {
  const device = state.devices.get(toHex(id));
  if (device === undefined) throw conflict(seq, `device ${toHex(id)} was never added`);
  return device;
}

function requireVault(state: KeychainState, id: VaultId, seq: number): VaultRecord {
  const vault = state.vaults.get(toHex(id));
  if (vault === undefined) throw conflict(seq, `vault ${toHex(id)} was never created`);
  return vault;
}

function conflict(seq: number, cause: string): ChainError {
  return new ChainError('conflict', `read keychain entry ${seq}: ${cause}`);
}
