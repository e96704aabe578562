/**
 * Payload of snapshot objects (format.md §5), deterministic CBOR:
 *
 * ```
 * {0:1, 1:vaultId, 2:streamId, 3:deviceId, 4:start, 5:end, 6:rootTreeId, 7:host text, 8:[path bytes], 9:stats (uint → uint),
 *  10:prevCommitHash, 11:kind (1 complete, 2 checkpoint), 12:clientVersion text, 13:[[path bytes, error text]], 14:[tag text],
 *  15:source kind uint}
 * ```
 * 0–6, 10 and 11 are required; what is empty is left out. Codec only: whether the content fits its commit is checked
 * where a snapshot is opened.
 */
import { type CborMap, type CborValue, encodeCbor } from '@keephold/bytes';
import {
  asDeviceId,
  asStreamId,
  asVaultId,
  type BlobId,
  type DeviceId,
  decodeRecord,
  HASH_LENGTH,
  ID_LENGTH,
  MalformedRecordError,
  type RecordFields,
  type StreamId,
  type VaultId,
} from '@keephold/protocol';
import { DamagedError } from './errors.ts';

const VERSION = 1;
const MAX_TEXT = 65_536;

/** Keys of a snapshot's stats; a reader ignores those it does not know. */
export const SnapshotStat = {
  files: 0,
  /** Sum of the sizes of all files. */
  bytes: 1,
  directories: 2,
  /** Links, devices, fifos, sockets. */
  otherEntries: 3,
  filesNew: 4,
  filesChanged: 5,
  bytesRead: 6,
  /** Bytes of packs and objects written for it. */
  bytesStored: 7,
  durationMs: 8,
} as const;
export type SnapshotStat = (typeof SnapshotStat)[keyof typeof SnapshotStat];

export interface UnreadablePath {
  readonly path: Uint8Array;
  /** For people, with the system's error code. */
  readonly error: string;
}

export interface SnapshotPayload {
  readonly vaultId: VaultId;
  readonly streamId: StreamId;
  readonly deviceId: DeviceId;
  /** UTC nanoseconds; so is `end`. */
  readonly start: bigint;
  readonly end: bigint;
  readonly rootTree: BlobId;
  readonly hostname: string;
  /** What was backed up: raw bytes, absolute. */
  readonly paths: readonly Uint8Array[];
  /** SnapshotStat → value. */
  readonly stats: ReadonlyMap<number, number | bigint>;
  /** The head the run started from. */
  readonly prevCommitHash: Uint8Array;
  readonly kind: 'complete' | 'checkpoint';
  readonly clientVersion: string;
  readonly unreadable: readonly UnreadablePath[];
  readonly tags: readonly string[];
  readonly sourceKind: number;
}

export function encodeSnapshot(snapshot: SnapshotPayload): Uint8Array {
  const fields = new Map<number, CborValue>([
    [0, VERSION],
    [1, snapshot.vaultId],
    [2, snapshot.streamId],
    [3, snapshot.deviceId],
    [4, snapshot.start],
    [5, snapshot.end],
    [6, snapshot.rootTree],
    [10, snapshot.prevCommitHash],
    [11, snapshot.kind === 'complete' ? 1 : 2],
  ]);
  const { hostname, paths, stats, clientVersion, unreadable, tags, sourceKind } = snapshot;
  if (hostname !== '') fields.set(7, hostname);
  if (paths.length > 0) fields.set(8, paths);
  if (stats.size > 0) fields.set(9, stats);
  if (clientVersion !== '') fields.set(12, clientVersion);
  if (unreadable.length > 0)
    fields.set(
      13,
      unreadable.map(({ path, error }) => [path, error]),
    );
  if (tags.length > 0) fields.set(14, tags);
  if (sourceKind !== 0) fields.set(15, sourceKind);
  const payload = encodeCbor(fields);
  decodeSnapshot(payload);
  return payload;
}

/** @throws DamagedError on anything that is no snapshot of version 1. */
export function decodeSnapshot(payload: Uint8Array): SnapshotPayload {
  try {
    return readSnapshot(decodeRecord(payload, 'snapshot'));
  } catch (cause) {
    if (cause instanceof MalformedRecordError) throw new DamagedError(cause.message, { cause });
    throw cause;
  }
}

function readSnapshot(fields: RecordFields): SnapshotPayload {
  fields.uint(0, VERSION, VERSION);
  const snapshot: SnapshotPayload = {
    vaultId: asVaultId(fields.bytes(1, ID_LENGTH)),
    streamId: asStreamId(fields.bytes(2, ID_LENGTH)),
    deviceId: asDeviceId(fields.bytes(3, ID_LENGTH)),
    start: fields.int64(4),
    end: fields.int64(5),
    rootTree: fields.bytes(6, HASH_LENGTH) as BlobId,
    hostname: optionalText(fields, 7),
    paths: readList(fields, 8, (item) => asBytes(fields, 8, item)),
    stats: readStats(fields),
    prevCommitHash: fields.bytes(10, HASH_LENGTH),
    kind: fields.uint(11, 1, 2) === 1 ? 'complete' : 'checkpoint',
    clientVersion: optionalText(fields, 12),
    unreadable: readList(fields, 13, (item) => asUnreadable(fields, item)),
    tags: readList(fields, 14, (item) => asText(fields, 14, item)),
    sourceKind: fields.has(15) ? fields.uint(15) : 0,
  };
  fields.end();
  return snapshot;
}

function optionalText(fields: RecordFields, key: number): string {
  return fields.has(key) ? fields.text(key, MAX_TEXT) : '';
}

function readList<T>(fields: RecordFields, key: number, read: (item: CborValue) => T): readonly T[] {
  if (!fields.has(key)) return [];
  const list = fields.take(key);
  if (!Array.isArray(list)) throw fields.fault(key, 'not an array');
  return (list as readonly CborValue[]).map(read);
}

function readStats(fields: RecordFields): ReadonlyMap<number, number | bigint> {
  const stats = new Map<number, number | bigint>();
  if (!fields.has(9)) return stats;
  const map = fields.take(9);
  if (!(map instanceof Map)) throw fields.fault(9, 'not a map');
  for (const [key, value] of map as CborMap) {
    const isUint = (typeof value === 'number' || typeof value === 'bigint') && value >= 0;
    if (typeof key !== 'number' || !isUint) throw fields.fault(9, 'not unsigned integers');
    stats.set(key, value);
  }
  return stats;
}

function asUnreadable(fields: RecordFields, item: CborValue): UnreadablePath {
  const [path, error, ...more] = Array.isArray(item) ? (item as readonly CborValue[]) : [];
  if (path === undefined || error === undefined || more.length > 0) throw fields.fault(13, 'not a pair');
  return { path: asBytes(fields, 13, path), error: asText(fields, 13, error) };
}

function asBytes(fields: RecordFields, key: number, value: CborValue): Uint8Array {
  if (!(value instanceof Uint8Array)) throw fields.fault(key, 'not a byte string');
  return value;
}

function asText(fields: RecordFields, key: number, value: CborValue): string {
  if (typeof value !== 'string') throw fields.fault(key, 'not a text');
  return value;
}
