/**
 * CBOR of the body of each kind of keychain entry: one row a kind, the table of security.md §3.11. Lists that are empty
 * and fields that are undefined are left out.
 */
import type { CborValue } from '@keephold/bytes';
import { asDeviceId, asObjectName, asVaultId, HASH_LENGTH, ID_LENGTH } from './id-from-bytes.ts';
import type { DeviceId, ObjectName, VaultId } from './ids.ts';
import {
  BUNDLE_LENGTH,
  type DeviceRole,
  EXCHANGE_KEY_LENGTH,
  type KeychainBody,
  SIGNING_KEY_LENGTH,
  type SlotMethod,
  type VaultPolicy,
} from './keychain-entry.ts';
import { RecordFields } from './record-fields.ts';
import { SIGNATURE_LENGTH } from './signed-record.ts';

type Kind = KeychainBody['kind'];
type Body<K extends Kind> = Extract<KeychainBody, { readonly kind: K }>;
type BodyFields = readonly (readonly [number, CborValue | undefined])[];

interface BodyCodec<K extends Kind> {
  /** The number at key 4 of the entry. */
  readonly type: number;
  readonly write: (body: Body<K>) => BodyFields;
  readonly read: (fields: RecordFields) => Omit<Body<K>, 'kind'>;
}

const ROLES: readonly (DeviceRole | undefined)[] = [undefined, 'backup-only', 'trusted'];
const METHODS: readonly (SlotMethod | undefined)[] = [
  undefined,
  'opaque',
  'passkey',
  'words',
  'contacts',
  'local-password',
  'keystore',
];
/** A sealed name is at most this long. */
const MAX_SEALED_NAME = 4096;
const MAX_DAYS = 36_500;

/** The number of a slot method in records. */
export function slotMethodNumber(method: SlotMethod): number {
  return METHODS.indexOf(method);
}

/** @throws MalformedRecordError when the number at `key` names no method. */
export function readSlotMethod(fields: RecordFields, key: number): SlotMethod {
  return METHODS[fields.uint(key, 1, METHODS.length - 1)] as SlotMethod;
}

const readRole = (fields: RecordFields, key: number): DeviceRole =>
  ROLES[fields.uint(key, 1, ROLES.length - 1)] as DeviceRole;
const readDevice = (fields: RecordFields, key: number): DeviceId => asDeviceId(fields.bytes(key));
const readVault = (fields: RecordFields, key: number): VaultId => asVaultId(fields.bytes(key));
const readGrants = (fields: RecordFields, key: number): readonly ObjectName[] =>
  fields.idList(key, HASH_LENGTH).map(asObjectName);
const list = (items: readonly CborValue[]): CborValue | undefined => (items.length === 0 ? undefined : items);

/** At least one: a request about nothing must not be read as one about everything. */
function readSnapshots(fields: RecordFields): readonly number[] {
  const snapshots = fields.ascendingUints(1);
  if (snapshots.length === 0) throw fields.fault(1, 'no snapshot');
  return snapshots;
}

function policyMap(policy: VaultPolicy): CborValue {
  return new Map([
    [0, policy.windowDays],
    [1, policy.trashDays],
    [2, policy.dailyDays],
    [3, policy.weeklyWeeks],
    [4, policy.monthlyMonths],
  ]);
}

function readPolicy(fields: RecordFields, key: number): VaultPolicy {
  const policy = fields.record(key, 'vault policy');
  const result = {
    windowDays: policy.uint(0, 0, MAX_DAYS),
    trashDays: policy.uint(1, 0, MAX_DAYS),
    dailyDays: policy.uint(2, 0, MAX_DAYS),
    weeklyWeeks: policy.uint(3, 0, MAX_DAYS),
    monthlyMonths: policy.uint(4, 0, MAX_DAYS),
  };
  policy.end();
  return result;
}

const CODECS: { readonly [K in Kind]: BodyCodec<K> } = {
  genesis: {
    type: 1,
    write: (body) => [
      [0, body.identityKey],
      [1, body.exchangeKey],
      [2, body.eventKey],
      [3, body.opaqueKey],
    ],
    read: (fields) => ({
      identityKey: fields.bytes(0, SIGNING_KEY_LENGTH),
      exchangeKey: fields.bytes(1, EXCHANGE_KEY_LENGTH),
      eventKey: fields.optionalBytes(2, SIGNING_KEY_LENGTH),
      opaqueKey: fields.optionalBytes(3, 32),
    }),
  },
  'add-device': {
    type: 2,
    write: (body) => [
      [0, body.bundle],
      [1, ROLES.indexOf(body.role)],
      [2, list(body.vaults)],
      [3, list(body.grants)],
      [4, body.sealedName],
      [5, body.countersignature],
    ],
    read: (fields) => ({
      bundle: fields.bytes(0, BUNDLE_LENGTH),
      role: readRole(fields, 1),
      vaults: fields.idList(2, ID_LENGTH).map(asVaultId),
      grants: readGrants(fields, 3),
      sealedName: fields.optionalBytes(4, undefined, MAX_SEALED_NAME),
      countersignature: fields.bytes(5, SIGNATURE_LENGTH),
    }),
  },
  'revoke-device': {
    type: 3,
    write: (body) => [[0, body.deviceId]],
    read: (fields) => ({ deviceId: readDevice(fields, 0) }),
  },
  'compromised-since': {
    type: 4,
    write: (body) => [
      [0, body.deviceId],
      [1, body.since],
    ],
    read: (fields) => ({ deviceId: readDevice(fields, 0), since: fields.uint(1) }),
  },
  'set-role': {
    type: 5,
    write: (body) => [
      [0, body.deviceId],
      [1, ROLES.indexOf(body.role)],
      [2, list(body.grants)],
    ],
    read: (fields) => ({ deviceId: readDevice(fields, 0), role: readRole(fields, 1), grants: readGrants(fields, 2) }),
  },
  'trust-dedup': {
    type: 6,
    write: (body) => [
      [0, body.deviceId],
      [1, list(body.trusted)],
    ],
    read: (fields) => ({
      deviceId: readDevice(fields, 0),
      trusted: fields.idList(1, ID_LENGTH).map(asDeviceId),
    }),
  },
  'create-vault': {
    type: 7,
    write: (body) => [
      [0, body.vaultId],
      [1, body.chunker],
      [2, policyMap(body.policy)],
      [3, body.readKey],
      [4, body.sealedName],
    ],
    read: (fields) => ({
      vaultId: readVault(fields, 0),
      chunker: fields.uint(1, 1, 1) as 1,
      policy: readPolicy(fields, 2),
      readKey: fields.bytes(3, EXCHANGE_KEY_LENGTH),
      sealedName: fields.optionalBytes(4, undefined, MAX_SEALED_NAME),
    }),
  },
  'rotate-epoch': {
    type: 8,
    write: (body) => [
      [0, body.vaultId],
      [1, body.epoch],
      [2, body.readKey],
      [3, list(body.grants)],
    ],
    read: (fields) => ({
      vaultId: readVault(fields, 0),
      epoch: fields.uint(1, 1, 0xffff_ffff),
      readKey: fields.bytes(2, EXCHANGE_KEY_LENGTH),
      grants: readGrants(fields, 3),
    }),
  },
  'set-policy': {
    type: 9,
    write: (body) => [
      [0, body.vaultId],
      [1, policyMap(body.policy)],
    ],
    read: (fields) => ({ vaultId: readVault(fields, 0), policy: readPolicy(fields, 1) }),
  },
  'add-slot': {
    type: 10,
    write: (body) => [
      [0, body.slotId],
      [1, slotMethodNumber(body.method)],
      [2, body.recordHash],
    ],
    read: (fields) => ({
      slotId: fields.bytes(0, ID_LENGTH),
      method: readSlotMethod(fields, 1),
      recordHash: fields.bytes(2, HASH_LENGTH),
    }),
  },
  'remove-slot': {
    type: 11,
    write: (body) => [[0, body.slotId]],
    read: (fields) => ({ slotId: fields.bytes(0, ID_LENGTH) }),
  },
  'delete-request': {
    type: 12,
    write: (body) => [
      [0, body.vaultId],
      [1, list(body.snapshots)],
    ],
    read: (fields) => ({ vaultId: readVault(fields, 0), snapshots: readSnapshots(fields) }),
  },
  'cancel-request': {
    type: 13,
    write: (body) => [[0, body.request]],
    read: (fields) => ({ request: fields.uint(0, 1) }),
  },
  'rotate-aik': {
    type: 14,
    write: (body) => [
      [0, body.identityKey],
      [1, body.exchangeKey],
    ],
    read: (fields) => ({
      identityKey: fields.bytes(0, SIGNING_KEY_LENGTH),
      exchangeKey: fields.bytes(1, EXCHANGE_KEY_LENGTH),
    }),
  },
  recovered: {
    type: 15,
    write: (body) => [
      [0, slotMethodNumber(body.method)],
      [1, body.generation],
    ],
    read: (fields) => ({ method: readSlotMethod(fields, 0), generation: fields.uint(1, 0, 0xffff_ffff) }),
  },
  'min-version': {
    type: 16,
    write: (body) => [[0, body.version]],
    read: (fields) => ({ version: fields.uint(0, 1) }),
  },
  'approve-heal': {
    type: 17,
    write: (body) => [
      [0, body.vaultId],
      [1, body.snapshot],
      [2, body.deviceId],
    ],
    read: (fields) => ({
      vaultId: readVault(fields, 0),
      snapshot: fields.uint(1, 1),
      deviceId: readDevice(fields, 2),
    }),
  },
  'release-hold': {
    type: 18,
    write: (body) => [[0, body.vaultId]],
    read: (fields) => ({ vaultId: readVault(fields, 0) }),
  },
  'lend-read': {
    type: 19,
    write: (body) => [
      [0, body.vaultId],
      [1, body.deviceId],
      [2, body.grant],
      [3, body.until],
    ],
    read: (fields) => ({
      vaultId: readVault(fields, 0),
      deviceId: readDevice(fields, 1),
      grant: asObjectName(fields.bytes(2)),
      until: fields.uint(3),
    }),
  },
  'rename-device': {
    type: 20,
    write: (body) => [
      [0, body.deviceId],
      [1, body.sealedName],
    ],
    read: (fields) => ({ deviceId: readDevice(fields, 0), sealedName: fields.bytes(1, undefined, MAX_SEALED_NAME) }),
  },
};

const KIND_OF_TYPE: ReadonlyMap<number, Kind> = new Map(
  (Object.keys(CODECS) as Kind[]).map((kind) => [CODECS[kind].type, kind]),
);

/** The entry's type number and its body as CBOR. */
export function writeKeychainBody(body: KeychainBody): { readonly type: number; readonly fields: CborValue } {
  const codec = CODECS[body.kind] as BodyCodec<Kind>;
  const fields = codec.write(body).filter((field): field is readonly [number, CborValue] => field[1] !== undefined);
  return { type: codec.type, fields: new Map(fields) };
}

/**
 * The body of an entry of `type`; undefined when this version does not know the type.
 * @throws MalformedRecordError when the body has not exactly the fields of its type.
 */
export function readKeychainBody(type: number, value: CborValue | undefined): KeychainBody | undefined {
  const kind = KIND_OF_TYPE.get(type);
  if (kind === undefined) return undefined;
  const fields = new RecordFields(value, `keychain body ${kind}`);
  const body = { kind, ...(CODECS[kind] as BodyCodec<Kind>).read(fields) } as KeychainBody;
  fields.end();
  return body;
}
