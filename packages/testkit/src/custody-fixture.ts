/**
 * An account with one vault and some devices, and packs and commits of theirs that a keeper accepts: public form only,
 * contents are noise. For tests of keepers; nothing here can be restored.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { concatBytes } from '@keephold/bytes';
import {
  type AccountId,
  asAccountId,
  asDeviceId,
  asObjectName,
  asPackId,
  asSessionId,
  asStreamId,
  asVaultId,
  BUNDLE_LENGTH,
  type CommitRequest,
  commitHashInput,
  commitSigningInput,
  type DeviceId,
  deviceCountersigningBody,
  deviceFingerprintInput,
  encodeCommit,
  encodeKeychainEntry,
  encodePackHeader,
  type Head,
  joinSigned,
  type KeychainBody,
  keychainHashInput,
  keychainSigningInput,
  type ObjectName,
  type PackId,
  type PackIdList,
  packLength,
  packsDigestInput,
  refsetDelta,
  refsetDigestInput,
  type StreamId,
  type VaultId,
  type VaultPolicy,
} from '@keephold/protocol';

export interface FixtureDevice {
  readonly deviceId: DeviceId;
  readonly streamId: StreamId;
  /** Ed25519. */
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** Where contents come from: so many bytes, never the same twice. */
export type Noise = (length: number) => Uint8Array;

export interface FixturePack {
  readonly id: PackId;
  readonly bytes: Uint8Array;
}

export interface FixtureObject {
  readonly name: ObjectName;
  readonly bytes: Uint8Array;
}

export interface AccountFixture {
  readonly accountId: AccountId;
  readonly vault: VaultId;
  readonly devices: readonly FixtureDevice[];
  readonly keychain: readonly Uint8Array[];
  /** Signs and appends one more entry by the identity key. */
  readonly nextEntry: (body: KeychainBody) => Uint8Array;
  /** Signs by the identity key. */
  readonly signAsOwner: (message: Uint8Array) => Uint8Array;
  readonly slots: readonly { readonly slotId: Uint8Array; readonly record: Uint8Array }[];
  readonly keyring: Uint8Array;
  readonly grants: readonly { readonly name: ObjectName; readonly sealed: Uint8Array }[];
}

const POLICY: VaultPolicy = { windowDays: 30, trashDays: 30, dailyDays: 90, weeklyWeeks: 52, monthlyMonths: 12 };

export function createAccountFixture(
  options: {
    readonly devices?: number;
    readonly policy?: VaultPolicy;
    readonly noise?: Noise;
    /** Drawn without it. */
    readonly vault?: VaultId;
  } = {},
): AccountFixture {
  const { noise = bytes } = options;
  const accountId = asAccountId(noise(16));
  const vault = options.vault ?? asVaultId(noise(16));
  const identity = generateKeyPairSync('ed25519');
  const identityKey = rawPublicKey(identity.publicKey);
  const keychain: Uint8Array[] = [];
  const nextEntry = (body: KeychainBody): Uint8Array => {
    const previous = keychain.at(-1);
    const entry = encodeKeychainEntry({
      accountId,
      seq: keychain.length,
      prevHash: previous === undefined ? new Uint8Array(32) : hash(...keychainHashInput(previous)),
      time: 1_800_000_000,
      signer: { kind: 'identity', identityKey },
      body,
    });
    const signed = joinSigned(entry, new Uint8Array(sign(null, keychainSigningInput(entry), identity.privateKey)));
    keychain.push(signed);
    return signed;
  };
  nextEntry({ kind: 'genesis', identityKey, exchangeKey: bytes(1216), eventKey: undefined, opaqueKey: undefined });
  nextEntry({
    kind: 'create-vault',
    vaultId: vault,
    chunker: 1,
    policy: options.policy ?? POLICY,
    readKey: bytes(1216),
    sealedName: undefined,
  });
  const devices = Array.from({ length: options.devices ?? 1 }, () => addDevice(accountId, vault, nextEntry));
  const sealed = sealedLike(1);
  return {
    accountId,
    vault,
    devices,
    keychain,
    nextEntry,
    signAsOwner: (message) => new Uint8Array(sign(null, message, identity.privateKey)),
    slots: [{ slotId: bytes(16), record: bytes(100) }],
    keyring: sealed,
    grants: [{ name: asObjectName(hash(sealed)), sealed }],
  };
}

function addDevice(accountId: AccountId, vault: VaultId, nextEntry: (body: KeychainBody) => Uint8Array): FixtureDevice {
  const pair = generateKeyPairSync('ed25519');
  const bundle = new Uint8Array(BUNDLE_LENGTH);
  bundle.set(bytes(BUNDLE_LENGTH));
  bundle[0] = 1;
  bundle.set(rawPublicKey(pair.publicKey), 1);
  const body = { bundle, role: 'backup-only' as const, vaults: [vault], grants: [], sealedName: undefined };
  const message = keychainSigningInput(deviceCountersigningBody(accountId, body));
  nextEntry({ ...body, kind: 'add-device', countersignature: new Uint8Array(sign(null, message, pair.privateKey)) });
  return {
    deviceId: asDeviceId(hash(...deviceFingerprintInput(bundle)).slice(0, 16)),
    streamId: asStreamId(bytes(16)),
    publicKey: rawPublicKey(pair.publicKey),
    sign: (text) => new Uint8Array(sign(null, text, pair.privateKey)),
  };
}

/** A pack of the right form; kind 1 data, 2 meta. */
export function createPack(
  vault: VaultId,
  kind: 1 | 2 = 1,
  pageCount: number = kind === 1 ? 256 : 64,
  noise: Noise = bytes,
): FixturePack {
  const packed = new Uint8Array(packLength(pageCount));
  const header = { kind, vaultId: vault, sessionId: asSessionId(noise(16)), pageCount, packSalt: noise(32) };
  packed.set(encodePackHeader(header));
  packed.set(noise(64), packed.length - 64);
  return { id: asPackId(hash(packed)), bytes: packed };
}

export function createObject(length = 300, noise: Noise = bytes): FixtureObject {
  const content = noise(length);
  return { name: asObjectName(hash(content)), bytes: content };
}

export interface FixtureCommit {
  readonly account: AccountFixture;
  readonly device?: FixtureDevice;
  readonly head: Head;
  readonly kind?: 'snapshot' | 'checkpoint';
  readonly snapshotObject: ObjectName;
  readonly indexObjects?: readonly ObjectName[];
  readonly sessionObjects?: readonly ObjectName[];
  readonly packsAdded: PackIdList;
  readonly refset: PackIdList;
  readonly parent?: { readonly seq: number; readonly refset: PackIdList };
  /** The device's own unless it pretends to be of another. */
  readonly streamId?: StreamId;
  /** What its clock says, unix nanoseconds. */
  readonly clientTime?: bigint;
  /** Index objects. */
  readonly superseded?: readonly ObjectName[];
}

/** A signed snapshot commit with its lists. */
export function createCommit(options: FixtureCommit): CommitRequest {
  const { account, head, packsAdded, refset, parent } = options;
  const device = options.device ?? (account.devices[0] as FixtureDevice);
  const body = encodeCommit({
    kind: options.kind ?? 'snapshot',
    vaultId: account.vault,
    seq: head.seq + 1,
    prevHash: head.hash,
    keychainSeq: account.keychain.length - 1,
    keychainHash: hash(...keychainHashInput(account.keychain.at(-1) as Uint8Array)),
    clientTime: options.clientTime ?? 1_800_000_000_000_000_000n,
    deviceId: device.deviceId,
    streamId: options.streamId ?? device.streamId,
    snapshotObject: options.snapshotObject,
    indexObjects: options.indexObjects ?? [],
    sessionObjects: options.sessionObjects ?? [],
    packsDigest: hash(...packsDigestInput(packsAdded)),
    refsetDigest: hash(...refsetDigestInput(refset)),
    parentSeq: parent?.seq,
    superseded: options.superseded ?? [],
  });
  const delta = refsetDelta(parent?.seq, parent?.refset ?? new Uint8Array(0), refset);
  return { bytes: joinSigned(body, device.sign(commitSigningInput(body))), packsAdded, refset: delta };
}

export function fixtureCommitHash(request: CommitRequest): Uint8Array {
  return hash(...commitHashInput(request.bytes));
}

function sealedLike(generation: number): Uint8Array {
  const sealed = bytes(300);
  sealed.set([generation, 0, 0, 0], 24);
  return sealed;
}

function rawPublicKey(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: 'spki', format: 'der' }).subarray(-32));
}

function bytes(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}

function hash(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(
    createHash('sha256')
      .update(concatBytes(...parts))
      .digest(),
  );
}
