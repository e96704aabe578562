/**
 * Reads the index objects that are alive, one after the other: name checked, opened under the index key of their epoch,
 * parsed with every rule of the format. Nothing is kept: 10 million blobs pass through a few megabytes.
 */
import { equalBytes, freeBytes, type PackKind, toHex } from '@keephold/bytes';
import {
  CryptoError,
  type IndexKey,
  OBJECT_TYPE,
  objectName,
  openObject,
  parseObjectHeader,
  sha256,
} from '@keephold/crypto';
import { type ObjectName, packsDigestInput, type ReadingCustody, sortPackIds, type VaultId } from '@keephold/protocol';
import { DamagedError, type EngineError, MissingDataError } from '../errors.ts';
import { type IndexedPack, parseIndexPayload } from '../index-object.ts';
import type { CommitLog, IndexEntry } from './commit-log.ts';

/** Objects fetched at once at most; the next batch is on its way while one is read. */
const MAX_BATCH = 8;
/** The first batch, before anything is known of their length. */
const FIRST_BATCH = 2;
/** Bytes of a batch, going by the one before: objects have any length up to 16 MiB, and two batches are in memory. */
const BATCH_BYTES: number = 4 * 1024 * 1024;

export interface IndexStreamOptions {
  readonly custody: Pick<ReadingCustody, 'getObjects'>;
  readonly log: CommitLog;
  readonly indexKeys: ReadonlyMap<number, IndexKey>;
  readonly kind: 'data' | 'meta' | 'all';
  readonly signal?: AbortSignal | undefined;
  /** Told of an object that is missing or damaged, which is then passed over; without it the stream fails. */
  readonly onDamage?: ((error: EngineError, entry: IndexEntry) => void) | undefined;
}

/** As somebody has them who reads the same vault many times. */
export interface IndexOptions extends Omit<IndexStreamOptions, 'kind' | 'onDamage'> {
  readonly onDamage?: ((error: EngineError) => void) | undefined;
}

/** One index object. */
export interface OpenedIndex {
  readonly entry: IndexEntry;
  readonly kind: PackKind;
  readonly packs: readonly IndexedPack[];
}

/**
 * All index objects alive that list packs of this kind, oldest first. When all objects of a commit were read and none
 * of them was superseded, its packsDigest is checked after the last of them.
 * @throws MissingDataError, DamagedError naming the object, unless `onDamage` is given
 */
export async function* readIndexObjects(options: IndexStreamOptions): AsyncGenerator<OpenedIndex> {
  const wanted = wantedEntries(options);
  const digests = new PacksDigests();
  let batch = wanted.slice(0, FIRST_BATCH);
  let ahead = fetchBatch(options, batch);
  for (let at = 0; at < wanted.length; ) {
    const objects = await ahead;
    const entries = batch;
    at += entries.length;
    batch = wanted.slice(at, at + lengthAfter(objects));
    ahead = fetchBatch(options, batch);
    // Whoever stops early must not leave a rejection behind.
    ahead.catch(() => undefined);
    for (const [i, entry] of entries.entries()) {
      options.signal?.throwIfAborted();
      const bytes = objects[i];
      const opened = await openReporting(options, entry, bytes);
      if (bytes !== undefined) freeBytes(bytes);
      if (opened === undefined) continue;
      yield opened;
      reporting(options, opened.entry, () => digests.add(opened));
    }
  }
}

/** Entries that may be of the wanted kind, each name once. */
function wantedEntries({ log, kind }: IndexStreamOptions): readonly IndexEntry[] {
  const names = new Set<string>();
  return log.indexes.filter((entry) => {
    if (entry.kind !== undefined && !isWanted(entry.kind, kind)) return false;
    const before = names.size;
    return names.add(toHex(entry.name)).size > before;
  });
}

function isWanted(kind: PackKind, wanted: IndexStreamOptions['kind']): boolean {
  return wanted === 'all' || kind === (wanted === 'data' ? 1 : 2);
}

/** How many to fetch after these, should they be as long. */
function lengthAfter(objects: readonly (Uint8Array | undefined)[]): number {
  const bytes = objects.reduce((sum, object) => sum + (object?.length ?? 0), 0);
  return Math.max(1, Math.min(MAX_BATCH, Math.floor((BATCH_BYTES * objects.length) / Math.max(bytes, 1))));
}

async function fetchBatch(
  { custody, log }: IndexStreamOptions,
  entries: readonly IndexEntry[],
): Promise<readonly (Uint8Array | undefined)[]> {
  const names = entries.map(({ name }) => name);
  return names.length === 0 ? [] : await custody.getObjects(log.vaultId, names);
}

async function openReporting(
  options: IndexStreamOptions,
  entry: IndexEntry,
  bytes: Uint8Array | undefined,
): Promise<OpenedIndex | undefined> {
  if (bytes === undefined && options.log.mayBePurged(entry)) return undefined;
  try {
    const kind = requireIndex(entry.name, bytes);
    options.log.learnKind(entry.name, kind);
    if (!isWanted(kind, options.kind)) return undefined;
    const packs = await openIndex(bytes as Uint8Array, kind, { ...options, vaultId: options.log.vaultId });
    return { entry, kind, packs };
  } catch (cause) {
    reporting(options, entry, () => {
      throw asEngineError(cause, entry.name);
    });
    return undefined;
  }
}

/** The kind of an index object whose bytes are the ones that a commit names. */
function requireIndex(name: ObjectName, bytes: Uint8Array | undefined): PackKind {
  if (bytes === undefined) throw new MissingDataError(`read index object ${toHex(name)}: it is not there`);
  if (!equalBytes(objectName(bytes), name)) {
    throw new DamagedError(`read index object ${toHex(name)}: its bytes have another name`);
  }
  const { type } = parseObjectHeader(bytes);
  if (type !== OBJECT_TYPE.dataIndex && type !== OBJECT_TYPE.metaIndex) {
    throw new DamagedError(`read index object ${toHex(name)}: it is of type ${type}`);
  }
  return type === OBJECT_TYPE.dataIndex ? 1 : 2;
}

/** Packs of a sealed index object. */
async function openIndex(
  bytes: Uint8Array,
  kind: PackKind,
  keys: { readonly vaultId: VaultId; readonly indexKeys: ReadonlyMap<number, IndexKey> },
): Promise<readonly IndexedPack[]> {
  const { epoch } = parseObjectHeader(bytes);
  const key = keys.indexKeys.get(epoch);
  if (key === undefined) throw new DamagedError(`no index key of epoch ${epoch}`);
  const type = kind === 1 ? OBJECT_TYPE.dataIndex : OBJECT_TYPE.metaIndex;
  const payload = await openObject({ bytes, expect: { type, contextId: keys.vaultId, epoch }, key });
  const packs = parseIndexPayload(payload, kind);
  // They are copies of what they need of it.
  freeBytes(payload);
  return packs;
}

function reporting(options: IndexStreamOptions, entry: IndexEntry, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (options.onDamage === undefined || !isDamage(error)) throw error;
    options.onDamage(error, entry);
  }
}

function isDamage(error: unknown): error is EngineError {
  return error instanceof DamagedError || error instanceof MissingDataError;
}

function asEngineError(cause: unknown, name: ObjectName): unknown {
  if (cause instanceof MissingDataError || !(cause instanceof DamagedError || cause instanceof CryptoError))
    return cause;
  const what = `read index object ${toHex(name)}`;
  return cause.message.startsWith(what) ? cause : new DamagedError(`${what}: ${cause.message}`, { cause });
}

/** Compares the packs of each commit's index objects with the digest it signed. */
class PacksDigests {
  readonly #groups = new Map<number, { left: number; readonly ids: Uint8Array[] }>();

  /** @throws DamagedError when this was the last object of its commit and the packs are others. */
  add({ entry, packs }: OpenedIndex): void {
    const group = this.#groups.get(entry.seq) ?? { left: entry.group, ids: [] };
    this.#groups.set(entry.seq, group);
    for (const { packId } of packs) group.ids.push(packId);
    if (--group.left > 0) return;
    this.#groups.delete(entry.seq);
    if (!equalBytes(sha256(...packsDigestInput(sortPackIds(group.ids))), entry.packsDigest)) {
      throw new DamagedError(`read index objects of commit ${entry.seq}: their packs do not match its digest`);
    }
  }
}
