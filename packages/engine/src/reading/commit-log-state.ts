/**
 * A commit log as bytes, so that only new commits are verified the next time. A cache, and at the same time a pin: who
 * stores it must keep it as safe as a pin, outside the repository.
 *
 * ```
 * CBOR {0:3, 1:vaultId, 2:keychainSeq, 3:hashes, 4:[[name, deviceId, seq, packsDigest, group, kind or 0]…],
 *       5:[[name, deviceId]…], 6:[[seq, kind, deviceId, streamId, object, trashedAt, refset seq, refset digest]…],
 *       7: purgedSeq}
 * kind: 1 complete, 2 checkpoint; trashedAt: unix milliseconds, 0 for an active one
 * ```
 */
import { CborError, CborReader, CborWriter, type PackKind } from '@keephold/bytes';
import {
  asDeviceId,
  asObjectName,
  asStreamId,
  asVaultId,
  HASH_LENGTH,
  ID_LENGTH,
  MalformedRecordError,
} from '@keephold/protocol';
import { DamagedError } from '../errors.ts';
import type { CommitLogState, IndexEntry, SessionEntry, SnapshotEntry } from './commit-log.ts';

const VERSION = 3;

export function encodeCommitLogState(state: CommitLogState): Uint8Array {
  const writer = new CborWriter(4096 + state.hashes.length);
  writer.mapHeader(8);
  writer.uint(0);
  writer.uint(VERSION);
  writer.uint(1);
  writer.bytes(state.vaultId);
  writer.uint(2);
  writer.uint(state.keychainSeq);
  writer.uint(3);
  writer.bytes(state.hashes);
  writer.uint(4);
  writer.arrayHeader(state.indexes.length);
  for (const entry of state.indexes) writeIndex(writer, entry);
  writer.uint(5);
  writer.arrayHeader(state.sessions.length);
  for (const { name, deviceId } of state.sessions) writeRow(writer, [name, deviceId]);
  writer.uint(6);
  writer.arrayHeader(state.snapshots.length);
  for (const entry of state.snapshots) writeSnapshot(writer, entry);
  writer.uint(7);
  writer.uint(state.purgedSeq);
  return writer.finish();
}

function writeIndex(writer: CborWriter, entry: IndexEntry): void {
  writeRow(writer, [entry.name, entry.deviceId, entry.seq, entry.packsDigest, entry.group, entry.kind ?? 0]);
}

function writeSnapshot(writer: CborWriter, entry: SnapshotEntry): void {
  const { seq, deviceId, streamId, object, trashedAt, refset } = entry;
  const kind = entry.kind === 'complete' ? 1 : 2;
  writeRow(writer, [seq, kind, deviceId, streamId, object, trashedAt, refset.seq, refset.digest]);
}

function writeRow(writer: CborWriter, row: readonly (number | Uint8Array)[]): void {
  writer.arrayHeader(row.length);
  for (const value of row) {
    if (typeof value === 'number') writer.uint(value);
    else writer.bytes(value);
  }
}

/** @throws DamagedError on anything that `encodeCommitLogState` would not have written: read the commits anew. */
export function decodeCommitLogState(bytes: Uint8Array): CommitLogState {
  try {
    const reader = new CborReader(bytes.slice());
    const state = readState(reader);
    reader.end();
    return state;
  } catch (cause) {
    if (cause instanceof CborError || cause instanceof MalformedRecordError) {
      throw new DamagedError(`read saved commit log: ${cause.message}`, { cause });
    }
    throw cause;
  }
}

function readState(reader: CborReader): CommitLogState {
  if (reader.readMapHeader() !== 8) throw damaged('number of fields');
  expectKey(reader, 0);
  if (reader.readUint() !== VERSION) throw damaged('version');
  expectKey(reader, 1);
  const vaultId = asVaultId(reader.readBytes());
  expectKey(reader, 2);
  const keychainSeq = reader.readUint();
  expectKey(reader, 3);
  const hashes = reader.readBytes();
  const seq = hashes.length / HASH_LENGTH - 1;
  if (!Number.isInteger(seq) || seq < 0) throw damaged('hashes');
  expectKey(reader, 4);
  const indexes = readRows(reader, () => readIndex(reader, seq));
  expectKey(reader, 5);
  const sessions = readRows(reader, () => readSession(reader));
  expectKey(reader, 6);
  const snapshots = readRows(reader, () => readSnapshot(reader, seq));
  expectKey(reader, 7);
  const purgedSeq = readBounded(reader, 0, seq);
  return { vaultId, seq, keychainSeq, hashes, indexes, sessions, snapshots, purgedSeq };
}

function expectKey(reader: CborReader, key: number): void {
  if (reader.readIntegerKey(key - 1) !== key) throw damaged(`field ${key} is missing`);
}

function readRows<T>(reader: CborReader, read: () => T): readonly T[] {
  return Array.from({ length: reader.readArrayHeader() }, read);
}

function readIndex(reader: CborReader, head: number): IndexEntry {
  if (reader.readArrayHeader() !== 6) throw damaged('index entry');
  return {
    name: asObjectName(reader.readBytes()),
    deviceId: asDeviceId(reader.readBytes()),
    seq: readBounded(reader, 1, head),
    packsDigest: readExact(reader, HASH_LENGTH),
    group: reader.readUint(),
    kind: ([undefined, 1, 2] as const)[readBounded(reader, 0, 2)] as PackKind | undefined,
  };
}

function readSession(reader: CborReader): SessionEntry {
  if (reader.readArrayHeader() !== 2) throw damaged('session entry');
  return { name: asObjectName(reader.readBytes()), deviceId: asDeviceId(reader.readBytes()) };
}

function readSnapshot(reader: CborReader, head: number): SnapshotEntry {
  if (reader.readArrayHeader() !== 8) throw damaged('snapshot entry');
  const named = {
    seq: readBounded(reader, 1, head),
    kind: readBounded(reader, 1, 2) === 1 ? ('complete' as const) : ('checkpoint' as const),
    deviceId: asDeviceId(readExact(reader, ID_LENGTH)),
    streamId: asStreamId(reader.readBytes()),
    object: asObjectName(reader.readBytes()),
  };
  const trashedAt = reader.readUint();
  return {
    ...named,
    state: trashedAt === 0 ? 'active' : 'trashed',
    trashedAt,
    refset: { seq: readBounded(reader, 1, head), digest: readExact(reader, HASH_LENGTH) },
  };
}

function readBounded(reader: CborReader, minimum: number, maximum: number): number {
  const value = reader.readUint();
  if (value < minimum || value > maximum) throw damaged(`${value} is out of range`);
  return value;
}

function readExact(reader: CborReader, length: number): Uint8Array {
  const bytes = reader.readBytes();
  if (bytes.length !== length) throw damaged(`${bytes.length} bytes where ${length} belong`);
  return bytes;
}

function damaged(cause: string): DamagedError {
  return new DamagedError(`read saved commit log: ${cause}`);
}
