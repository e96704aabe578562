/**
 * Codec of commits (format.md §7): deterministic CBOR with exactly the keys of the commit's type, then 64 bytes of
 * signature. Parsing checks form only; whether to believe a commit is the business of commit-chain.ts.
 */
import { type CborValue, encodeCbor, toHex } from '@keephold/bytes';
import type { Commit, CommitBase, KeeperEvent, KeeperEventCommit } from './commit.ts';
import type { PackIdList } from './custody.ts';
import { asDeviceId, asObjectName, asStreamId, asVaultId, HASH_LENGTH, ID_LENGTH } from './id-from-bytes.ts';
import type { DeviceId, ObjectName } from './ids.ts';
import { checkPackIdList, packIdAt, packIdCount } from './pack-id-list.ts';
import { decodeRecord, type RecordFields } from './record-fields.ts';
import { splitSigned } from './signed-record.ts';

const VERSION = 1;
const KINDS: readonly (Commit['kind'] | undefined)[] = [
  undefined,
  'snapshot',
  'checkpoint',
  'heal',
  'keeper-event',
  'index-maintenance',
];
const EVENTS: readonly (KeeperEvent | undefined)[] = [undefined, 'trashed', 'expired', 'purged', 'untrashed'];

export interface ParsedCommit {
  readonly commit: Commit;
  /** The CBOR that was signed, a view of the input. */
  readonly body: Uint8Array;
  /** 64 bytes, a view of the input. */
  readonly signature: Uint8Array;
}

/**
 * The CBOR to sign.
 * @throws MalformedRecordError when the commit breaks the rules of its kind: it would be refused by every reader.
 */
export function encodeCommit(commit: Commit): Uint8Array<ArrayBuffer> {
  const fields = new Map<number, CborValue>([
    [0, VERSION],
    [1, commit.vaultId],
    [2, commit.seq],
    [3, commit.prevHash],
    [4, KINDS.indexOf(commit.kind)],
    [6, commit.keychainSeq],
    [7, commit.clientTime],
    [15, commit.keychainHash],
  ]);
  if (commit.deviceId !== undefined) fields.set(5, commit.deviceId);
  if (commit.kind === 'keeper-event') fields.set(17, keeperEventBody(commit));
  else putPackFields(fields, commit);
  const body = encodeCbor(fields);
  readCommit(decodeRecord(body, 'commit'));
  return body;
}

/** @throws MalformedRecordError on anything but a commit that `encodeCommit` and `joinSigned` would have made. */
export function parseCommit(bytes: Uint8Array): ParsedCommit {
  const { body, signature } = splitSigned(bytes, 'commit');
  return { commit: readCommit(decodeRecord(body, 'commit')), body, signature };
}

function putPackFields(fields: Map<number, CborValue>, commit: Exclude<Commit, KeeperEventCommit>): void {
  putList(fields, 10, commit.indexObjects);
  fields.set(12, commit.packsDigest);
  putList(fields, 16, commit.superseded);
  if (commit.kind === 'index-maintenance') return;
  putList(fields, 11, commit.sessionObjects);
  fields.set(13, commit.refsetDigest);
  fields.set(14, commit.parentSeq ?? 0);
  if (commit.kind === 'heal') return;
  fields.set(8, commit.streamId);
  fields.set(9, commit.snapshotObject);
}

function keeperEventBody(commit: KeeperEventCommit): CborValue {
  const body = new Map<number, CborValue>([[0, EVENTS.indexOf(commit.event)]]);
  putList(body, 1, commit.snapshots);
  checkPackIdList(commit.packs);
  putList(body, 2, idsOf(commit.packs));
  return body;
}

function idsOf(list: PackIdList): readonly Uint8Array[] {
  return Array.from({ length: packIdCount(list) }, (_, index) => packIdAt(list, index));
}

function putList(fields: Map<number, CborValue>, key: number, list: readonly CborValue[]): void {
  if (list.length > 0) fields.set(key, list);
}

function readCommit(fields: RecordFields): Commit {
  fields.uint(0, VERSION, VERSION);
  const kind = KINDS[fields.uint(4, 1, KINDS.length - 1)] as Commit['kind'];
  const base: CommitBase = {
    vaultId: asVaultId(fields.bytes(1)),
    seq: fields.uint(2, 1),
    prevHash: fields.bytes(3, HASH_LENGTH),
    keychainSeq: fields.uint(6),
    keychainHash: fields.bytes(15, HASH_LENGTH),
    clientTime: fields.int64(7),
  };
  const commit = readKind(fields, kind, base);
  fields.end();
  return commit;
}

function readKind(fields: RecordFields, kind: Commit['kind'], base: CommitBase): Commit {
  if (kind === 'keeper-event') return { ...base, kind, ...readKeeperEvent(fields) };
  const shared = {
    deviceId: readDeviceId(fields),
    indexObjects: readObjects(fields, 10),
    packsDigest: fields.bytes(12, HASH_LENGTH),
    superseded: readObjects(fields, 16),
  };
  refuseOverlap(fields, shared.indexObjects, shared.superseded);
  if (kind === 'index-maintenance') {
    if (shared.indexObjects.length + shared.superseded.length === 0) throw fields.fault(10, 'nothing to maintain');
    return { ...base, kind, ...shared };
  }
  const adding = {
    ...shared,
    sessionObjects: readObjects(fields, 11),
    refsetDigest: fields.bytes(13, HASH_LENGTH),
  };
  if (kind === 'heal') return { ...base, kind, ...adding, parentSeq: fields.uint(14, 1, base.seq - 1) };
  const parentSeq = fields.uint(14, 0, base.seq - 1);
  return {
    ...base,
    kind,
    ...adding,
    parentSeq: parentSeq === 0 ? undefined : parentSeq,
    streamId: asStreamId(fields.bytes(8, ID_LENGTH)),
    snapshotObject: asObjectName(fields.bytes(9, HASH_LENGTH)),
  };
}

function readKeeperEvent(fields: RecordFields): Pick<KeeperEventCommit, 'deviceId' | 'event' | 'snapshots' | 'packs'> {
  const deviceId = fields.has(5) ? readDeviceId(fields) : undefined;
  const body = fields.record(17, 'body of a keeper event');
  const event = EVENTS[body.uint(0, 1, EVENTS.length - 1)] as KeeperEvent;
  const snapshots = body.ascendingUints(1);
  const ids = body.idList(2, HASH_LENGTH);
  body.end();
  if (snapshots.length + ids.length === 0) throw fields.fault(17, 'event about nothing');
  const packs = new Uint8Array(ids.length * HASH_LENGTH);
  ids.forEach((id, index) => {
    packs.set(id, index * HASH_LENGTH);
  });
  checkPackIdList(packs);
  return { deviceId, event, snapshots, packs };
}

function readDeviceId(fields: RecordFields): DeviceId {
  return asDeviceId(fields.bytes(5, ID_LENGTH));
}

function readObjects(fields: RecordFields, key: number): readonly ObjectName[] {
  return fields.idList(key, HASH_LENGTH).map(asObjectName);
}

function refuseOverlap(fields: RecordFields, named: readonly ObjectName[], superseded: readonly ObjectName[]): void {
  const names = new Set(named.map(toHex));
  if (superseded.some((name) => names.has(toHex(name)))) throw fields.fault(16, 'an object supersedes itself');
}
