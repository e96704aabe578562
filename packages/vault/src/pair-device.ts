/**
 * Adding a device by ticket (security.md §3.10), both sides, without transport: whoever carries the messages – a server –
 * can lose them, and nothing else.
 *
 * ```
 * device: offer   bundle, its MAC, sealed name
 * app:    draft   the add-device entry as it will be and the grant, with a MAC
 * device: answer  its countersignature
 * app:    append  the entry; then the heads with a MAC
 * device: finish  keychain from the ticket's genesis, grant, pins
 * ```
 */
import { concatBytes, equalBytes, toHex, utf8Decode, utf8Encode, writeU64 } from '@keephold/bytes';
import {
  decodeDeviceBundle,
  deviceId as deviceIdOf,
  OBJECT_TYPE,
  objectName,
  openObject,
  type RandomSource,
  sealObject,
  sign,
} from '@keephold/crypto';
import {
  type AccountCustody,
  type AddDeviceBody,
  asDeviceId,
  asObjectName,
  type ChainPin,
  type DeviceId,
  type DeviceRole,
  deviceCountersigningBody,
  deviceRecord,
  ForkError,
  genesisHashOf,
  type KeychainState,
  keychainSigningInput,
  type ObjectName,
  RollbackError,
  type VaultId,
  walkKeychain,
} from '@keephold/protocol';
import type { DeviceKeys, DeviceState } from './device-state.ts';
import { VaultError } from './errors.ts';
import { openGrant, readGrant, sealGrant, writeGrant } from './grant.ts';
import { tryAppend } from './keychain-append.ts';
import { requireDeviceInForce } from './open-device.ts';
import { type PairingTicket, pairingMac, pairingNameKey, requirePairingMac } from './pairing-ticket.ts';
import { recordVerifier } from './record-verifier.ts';
import { sealName } from './sealed-name.ts';
import { keychainPin, readKeys, type Unlocked } from './unlocked.ts';

export interface PairingOffer {
  readonly bundle: Uint8Array;
  readonly mac: Uint8Array;
  readonly sealedName: Uint8Array;
}

export interface PairingDraft {
  /** The entry's body, without the countersignature. */
  readonly fields: Omit<AddDeviceBody, 'kind' | 'countersignature'>;
  readonly mac: Uint8Array;
}

/** Heads that the new device starts with. */
export interface PairingHeads {
  readonly grant: ObjectName;
  readonly keychain: ChainPin;
  readonly vault: { readonly vaultId: VaultId; readonly head: ChainPin | undefined };
  readonly mac: Uint8Array;
}

/** Step 1, on the new device. */
export async function offerDevice(
  ticket: PairingTicket,
  device: { readonly keys: DeviceKeys; readonly name: string; readonly random: RandomSource },
): Promise<PairingOffer> {
  const { keys, name, random } = device;
  const place = { type: OBJECT_TYPE.names, contextId: ticket.ticketId, epoch: 0 } as const;
  const sealedName = await sealObject({ ...place, key: pairingNameKey(ticket), payload: utf8Encode(name), random });
  return { bundle: keys.bundle, mac: pairingMac(ticket, 'bundle', keys.bundle, sealedName), sealedName };
}

export interface OfferedDevice {
  readonly deviceId: DeviceId;
  /** As the device calls itself: to be shown, not to be trusted. */
  readonly name: string;
}

/** Step 2a, in the app. @throws VaultError `pairing-altered` */
export async function readOffer(ticket: PairingTicket, offer: PairingOffer): Promise<OfferedDevice> {
  requirePairingMac(ticket, 'bundle', { mac: offer.mac, parts: [offer.bundle, offer.sealedName] });
  const expect = { type: OBJECT_TYPE.names, contextId: ticket.ticketId, epoch: 0 } as const;
  const name = await openObject({ bytes: offer.sealedName, expect, key: pairingNameKey(ticket) });
  return { deviceId: asDeviceId(deviceIdOf(offer.bundle)), name: utf8Decode(name) };
}

export interface Approval {
  readonly ticket: PairingTicket;
  readonly offer: PairingOffer;
  readonly role: DeviceRole;
  readonly vaultId: VaultId;
  /** The verified head of the vault; undefined when it has no commit. */
  readonly headPin: ChainPin | undefined;
  readonly custody: Pick<AccountCustody, 'keychain' | 'appendKeychain' | 'putGrant'>;
  /** Unix milliseconds. */
  readonly now: number;
  readonly random: RandomSource;
}

/** Step 2b, in the app, when its owner has approved: the grant is stored, the draft goes to the device. */
export async function draftDevice(unlocked: Unlocked, approval: Approval): Promise<PairingDraft> {
  const { ticket, offer, role, vaultId, custody, random } = approval;
  const { deviceId, name } = await readOffer(ticket, offer);
  const { keychain, accountId, secret } = unlocked;
  const pins = {
    genesisHash: genesisHashOf(keychain),
    keychainPin: keychainPin(keychain),
    headPin: approval.headPin,
  };
  const keys = readKeys(unlocked, vaultId);
  const sealed = await sealGrant({
    grant: role === 'trusted' ? readGrant(keys, pins) : writeGrant(keys, pins),
    deviceId,
    recipient: decodeDeviceBundle(offer.bundle).exchange,
    keychainSeq: keychain.seq + 1,
    random,
  });
  const grant = asObjectName(objectName(sealed));
  await custody.putGrant(grant, sealed);
  const sealedName = await sealName(name, { ...secret, accountId }, random);
  const fields = { bundle: offer.bundle, role, vaults: [vaultId], grants: [grant], sealedName };
  return { fields, mac: pairingMac(ticket, 'draft', signedText(ticket, fields)) };
}

/** Step 3, on the new device. @throws VaultError `pairing-altered` */
export function countersign(ticket: PairingTicket, keys: DeviceKeys, draft: PairingDraft): Uint8Array {
  const message = signedText(ticket, draft.fields);
  requirePairingMac(ticket, 'draft', { mac: draft.mac, parts: [message] });
  if (!equalBytes(draft.fields.bundle, keys.bundle)) {
    throw new VaultError('pairing-altered', 'pair device: the draft is about another device');
  }
  return sign(keys.signingSeed, message);
}

export interface PairedDevice {
  readonly unlocked: Unlocked;
  readonly heads: PairingHeads;
}

/**
 * Step 4, in the app. Undefined when another entry came first: refresh the keychain and draft again.
 * @throws ChainError when the countersignature is not the device's.
 */
export async function appendDevice(
  unlocked: Unlocked,
  approval: Approval,
  answer: { readonly draft: PairingDraft; readonly countersignature: Uint8Array },
): Promise<PairedDevice | undefined> {
  const { custody, now, ticket, vaultId, headPin } = approval;
  const { keychain, identity } = unlocked;
  const body: AddDeviceBody = { kind: 'add-device', ...answer.draft.fields, countersignature: answer.countersignature };
  const next = await tryAppend({ custody, keychain, identity, now }, body);
  if (next === undefined) return undefined;
  const heads = {
    grant: answer.draft.fields.grants[0] as ObjectName,
    keychain: keychainPin(next),
    vault: { vaultId, head: headPin },
  };
  const mac = pairingMac(ticket, 'heads', ...headsText(heads));
  return { unlocked: { ...unlocked, keychain: next }, heads: { ...heads, mac } };
}

/**
 * Step 5, on the new device: its state, with pins; to be persisted.
 * @throws VaultError `pairing-altered`; RollbackError, ForkError when the keychain is not the one of ticket and heads.
 */
export async function finishPairing(
  ticket: PairingTicket,
  keys: DeviceKeys,
  paired: { readonly heads: PairingHeads; readonly custody: Pick<AccountCustody, 'keychain' | 'grant'> },
): Promise<DeviceState> {
  const { heads, custody } = paired;
  requirePairingMac(ticket, 'heads', { mac: heads.mac, parts: headsText(heads) });
  const keychain = walkKeychain(await custody.keychain(0), recordVerifier);
  requireShown(ticket, heads, keychain);
  const record = deviceRecord(keychain, keys.deviceId);
  const sealed = await custody.grant(heads.grant);
  const keychainSeq = keychain.grants.get(toHex(heads.grant));
  if (record === undefined || sealed === undefined || keychainSeq === undefined) {
    throw new VaultError('pairing-altered', 'pair device: the keychain does not have this device with its grant');
  }
  if (!equalBytes(objectName(sealed), heads.grant)) {
    throw new VaultError('pairing-altered', 'pair device: the grant is another one');
  }
  const { deviceId, exchangeSeed: seed } = keys;
  const opened = await openGrant({ sealed, deviceId, keychain, keychainSeq, seed });
  if (!equalBytes(opened.vaultId, heads.vault.vaultId)) {
    throw new VaultError('pairing-altered', 'pair device: grant and heads are of different vaults');
  }
  const grant = { ...opened, keychainPin: keychainPin(keychain), headPin: heads.vault.head };
  const state = { ...keys, role: record.role, grant, chain: undefined };
  requireDeviceInForce(state, keychain);
  return state;
}

function requireShown(ticket: PairingTicket, heads: PairingHeads, keychain: KeychainState): void {
  if (!equalBytes(genesisHashOf(keychain), ticket.genesisHash)) {
    throw new ForkError('pair device: the keychain begins differently from the one of the ticket');
  }
  if (keychain.seq < heads.keychain.seq) throw new RollbackError('pair device: the keychain shown is an older one');
  const shown = keychain.entryHashes[heads.keychain.seq];
  if (shown === undefined || !equalBytes(shown, heads.keychain.hash)) {
    throw new ForkError('pair device: the keychain is not the one that the app saw');
  }
}

function signedText({ accountId }: PairingTicket, fields: PairingDraft['fields']): Uint8Array {
  return keychainSigningInput(deviceCountersigningBody(accountId, fields));
}

/** grantId ‖ keychain seq u64 ‖ hash ‖ vaultId ‖ head seq u64 ‖ head hash; no commit: seq 0 and zeros. */
function headsText({ grant, keychain, vault }: Omit<PairingHeads, 'mac'>): readonly Uint8Array[] {
  const head = vault.head ?? { seq: 0, hash: new Uint8Array(32) };
  return [concatBytes(grant, u64(keychain.seq), keychain.hash, vault.vaultId, u64(head.seq), head.hash)];
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  writeU64(bytes, 0, BigInt(value));
  return bytes;
}
