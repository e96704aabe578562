/** Opens snapshots that signed commits name, and checks that content and commit agree (security.md §8, 3 to 5). */
import { equalBytes, toHex } from '@keephold/bytes';
import { CryptoError, OBJECT_TYPE, objectName, openObject, parseObjectHeader, snapshotKey } from '@keephold/crypto';
import {
  asSessionId,
  type BlobId,
  type DeviceId,
  MalformedRecordError,
  type ObjectName,
  type ReadingCustody,
  type StreamId,
} from '@keephold/protocol';
import { DamagedError, EngineError, MissingDataError } from '../errors.ts';
import { decodeSnapshot, type SnapshotPayload, type UnreadablePath } from '../snapshot.ts';
import type { CommitLog, SnapshotEntry } from './commit-log.ts';
import type { SessionKeys } from './session-keys.ts';

const BATCH = 64;

export interface Snapshot {
  readonly seq: number;
  readonly id: ObjectName;
  /** When the run began, UTC nanoseconds. */
  readonly time: bigint;
  readonly end: bigint;
  readonly kind: 'complete' | 'checkpoint';
  readonly state: 'active' | 'trashed';
  readonly hostname: string;
  readonly paths: readonly Uint8Array[];
  readonly tags: readonly string[];
  readonly rootTree: BlobId;
  readonly deviceId: DeviceId;
  readonly streamId: StreamId;
  /** By SnapshotStat. */
  readonly stats: ReadonlyMap<number, number | bigint>;
  readonly unreadable: readonly UnreadablePath[];
  readonly clientVersion: string;
}

export interface SnapshotReaderOptions {
  readonly custody: Pick<ReadingCustody, 'getObjects'>;
  readonly log: CommitLog;
  readonly sessions: SessionKeys;
  /** Told of a snapshot that a list leaves out because it is missing or damaged; without it the list fails. */
  readonly onDamage?: ((error: EngineError) => void) | undefined;
}

export class SnapshotReader {
  readonly #options: SnapshotReaderOptions;
  readonly #opened = new Map<string, SnapshotPayload>();

  constructor(options: SnapshotReaderOptions) {
    this.#options = options;
  }

  /** All that can be restored, oldest first. */
  async list(): Promise<readonly Snapshot[]> {
    const snapshots: Snapshot[] = [];
    const entries = this.#options.log.snapshots;
    for (let at = 0; at < entries.length; at += BATCH) {
      const batch = entries.slice(at, at + BATCH);
      const objects = await this.#fetch(batch);
      for (const [i, entry] of batch.entries()) {
        const snapshot = await this.#openReporting(entry, objects[i]);
        if (snapshot !== undefined) snapshots.push(snapshot);
      }
    }
    return snapshots;
  }

  /**
   * The snapshot that a person names: 'latest' (the newest complete one, else the newest checkpoint; forgotten ones
   * only when there is nothing else), '#' and its number, or the first 4 or more hex digits of its id.
   * @throws EngineError `not-found`, or `refused` when it fits several
   */
  async named(name: string): Promise<Snapshot> {
    const entry = this.#entryNamed(name);
    const [bytes] = await this.#fetch([entry]);
    return await this.#open(entry, bytes);
  }

  #entryNamed(name: string): SnapshotEntry {
    const found = name === 'latest' ? this.#latest() : this.#matching(name);
    if (found !== undefined) return found;
    throw new EngineError('not-found', `find snapshot ${name}: there is none`);
  }

  #latest(): SnapshotEntry | undefined {
    const newestFirst = this.#options.log.snapshots.toReversed();
    const active = newestFirst.filter(({ state }) => state === 'active');
    const choices = active.length > 0 ? active : newestFirst;
    return choices.find(({ kind }) => kind === 'complete') ?? choices[0];
  }

  #matching(name: string): SnapshotEntry | undefined {
    const { log } = this.#options;
    if (/^#\d{1,15}$/.test(name)) return log.snapshot(Number(name.slice(1)));
    if (!/^[0-9a-f]{4,64}$/i.test(name))
      throw new EngineError('refused', `find snapshot ${name}: it is no name of one`);
    const prefix = name.toLowerCase();
    const [first, second] = log.snapshots.filter(({ object }) => toHex(object).startsWith(prefix));
    if (second === undefined) return first;
    throw new EngineError('refused', `find snapshot ${name}: several begin with it`);
  }

  async #fetch(entries: readonly SnapshotEntry[]): Promise<readonly (Uint8Array | undefined)[]> {
    const { custody, log } = this.#options;
    if (entries.every(({ object }) => this.#opened.has(toHex(object)))) return [];
    return await custody.getObjects(
      log.vaultId,
      entries.map(({ object }) => object),
    );
  }

  async #openReporting(entry: SnapshotEntry, bytes: Uint8Array | undefined): Promise<Snapshot | undefined> {
    try {
      return await this.#open(entry, bytes);
    } catch (error) {
      const { onDamage } = this.#options;
      if (onDamage === undefined || !(error instanceof DamagedError || error instanceof MissingDataError)) throw error;
      onDamage(error);
      return undefined;
    }
  }

  async #open(entry: SnapshotEntry, bytes: Uint8Array | undefined): Promise<Snapshot> {
    const name = toHex(entry.object);
    const payload = this.#opened.get(name) ?? (await this.#openPayload(entry, bytes));
    this.#opened.set(name, payload);
    const { start, end, hostname, paths, tags, rootTree, stats, unreadable, clientVersion } = payload;
    const { seq, object, kind, state, deviceId, streamId } = entry;
    const said = { time: start, end, hostname, paths, tags, rootTree, stats, unreadable, clientVersion };
    return { seq, id: object, kind, state, deviceId, streamId, ...said };
  }

  async #openPayload(entry: SnapshotEntry, bytes: Uint8Array | undefined): Promise<SnapshotPayload> {
    const what = `read snapshot #${entry.seq}`;
    if (bytes === undefined) throw new MissingDataError(`${what}: object ${toHex(entry.object)} is not there`);
    try {
      const payload = await this.#decrypt(entry, bytes);
      requireFits(entry, payload, this.#options.log);
      return payload;
    } catch (cause) {
      if (cause instanceof MissingDataError) throw new MissingDataError(`${what}: ${cause.message}`, { cause });
      const damaged = [DamagedError, CryptoError, MalformedRecordError].some((kind) => cause instanceof kind);
      throw damaged
        ? new DamagedError(`${what}: object ${toHex(entry.object)}: ${(cause as Error).message}`, { cause })
        : cause;
    }
  }

  async #decrypt(entry: SnapshotEntry, bytes: Uint8Array): Promise<SnapshotPayload> {
    if (!equalBytes(objectName(bytes), entry.object)) throw new DamagedError('its bytes have another name');
    const { contextId, epoch } = parseObjectHeader(bytes);
    const session = await this.#options.sessions.sessionKeyOf(asSessionId(contextId), entry.deviceId);
    const expect = { type: OBJECT_TYPE.snapshot, contextId, epoch };
    return decodeSnapshot(await openObject({ bytes, expect, key: snapshotKey(session, this.#options.log.vaultId) }));
  }
}

function requireFits(entry: SnapshotEntry, payload: SnapshotPayload, log: CommitLog): void {
  const fits =
    equalBytes(payload.vaultId, log.vaultId) &&
    equalBytes(payload.deviceId, entry.deviceId) &&
    equalBytes(payload.streamId, entry.streamId) &&
    payload.kind === entry.kind;
  if (!fits) throw new DamagedError('its content is of another vault, device, stream or kind than its commit');
  if (!log.isAncestor(payload.prevCommitHash, entry.seq)) {
    throw new DamagedError('it started from a commit that is not before it');
  }
}
