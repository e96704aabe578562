/**
 * A vault open for reading: its snapshots, their trees and files. Puts the parts of this folder together and decides
 * nothing itself. Reads only; believes nothing that is not named by a signed commit or has not the id it should have.
 */
import { toHex } from '@keephold/bytes';
import type { IdKey, IndexKey, PackKey, SessionKey } from '@keephold/crypto';
import type { BlobId, PackId, PackIdList, PageRange, SessionId, VaultId } from '@keephold/protocol';
import { DamagedError, EngineError } from '../errors.ts';
import { type ContentPart, NodeType, type TreeNode } from '../node-fields.ts';
import type { BlobKind } from '../pack-contents.ts';
import type { BlobLocations, PackRecord } from './blob-locations.ts';
import { BlobReader, type ComputeBlobId } from './blob-reader.ts';
import { CommitLog, type CommitLogState, emptyCommitLog, type SessionEntry } from './commit-log.ts';
import { earlyRemovals } from './early-removals.ts';
import { contentParts } from './file-content.ts';
import { partsInHoles } from './holes.ts';
import { IdTable } from './id-table.ts';
import { type IndexOptions, type IndexStreamOptions, type OpenedIndex, readIndexObjects } from './index-stream.ts';
import type { ReadBlob } from './list-reader.ts';
import { locateBlobs } from './locate-blobs.ts';
import { MetaReader } from './meta-reader.ts';
import { type OpenPages, PackPages } from './pack-pages.ts';
import { type Decompress, PackReader } from './pack-reader.ts';
import { type ChainVerifier, syncCommitLog } from './read-commits.ts';
import { type RepositoryCustody, readNeededPacks, readPossiblePacks, readRefset } from './refset-reader.ts';
import { type OpenSessionObject, SessionKeys } from './session-keys.ts';
import { type Snapshot, SnapshotReader } from './snapshot-reader.ts';
import { findEntry, readDirectory } from './tree-reader.ts';
import { joinPath, pathComponents, type WalkedNode, walkTree } from './tree-walk.ts';
import { type ReadUnlistedOptions, type UnlistedPack, UnlistedPacks } from './unlisted-packs.ts';

/** What of a snapshot is needed to read its tree. */
export type SnapshotRoot = Pick<Snapshot, 'seq' | 'rootTree'>;

/** The keys of a reader besides those in session objects; vault's ReadKeys has them. */
export interface ReaderKeys {
  readonly vaultId: VaultId;
  readonly idKey: IdKey;
  /** By epoch. */
  readonly indexKeys: ReadonlyMap<number, IndexKey>;
}

export interface RepositoryOptions extends ChainVerifier {
  readonly custody: RepositoryCustody;
  readonly keys: ReaderKeys;
  readonly openSessionObject: OpenSessionObject;
  /** Session objects that this very device made; the log has others only, that a commit which can be read names. */
  readonly ownSessions?: readonly SessionEntry[] | undefined;
  readonly decompress: Decompress;
  /** The log as it was saved; without it all commits are verified. */
  readonly log?: CommitLogState | undefined;
  /** Bulk work of the platform, where it has any. */
  readonly openPages?: OpenPages | undefined;
  readonly computeBlobId?: ComputeBlobId | undefined;
  /**
   * Told of everything found missing or damaged that reading could go around. Without it, lists of snapshots and
   * passes over the index fail at the first such thing.
   */
  readonly onDamage?: ((error: EngineError) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The reader's clock, unix milliseconds; with it `onDamage` is told of snapshots that were purged early. */
  readonly now?: (() => number) | undefined;
}

/**
 * Opens a vault for reading: fetches and verifies the commits since the saved log.
 * @throws RollbackError, ForkError, ChainError, MalformedRecordError when the keeper's history is not to be believed
 */
export async function openRepository(options: RepositoryOptions): Promise<Repository> {
  const { keychain, keys, onDamage, now } = options;
  const log = new CommitLog(options.log ?? emptyCommitLog(keychain, keys.vaultId));
  await syncCommitLog(log, options);
  const judged = now && earlyRemovals(log.takeRemovals(), { keychain, vaultId: log.vaultId, now: now() });
  for (const error of judged ?? []) onDamage?.(error);
  return new Repository(options, log);
}

export class Repository {
  /** What the signed commits say. Save its `state()` for the next time. */
  readonly log: CommitLog;
  readonly #options: RepositoryOptions;
  readonly #sessions: SessionKeys;
  readonly #snapshots: SnapshotReader;
  readonly #blobs: BlobReader;
  readonly #unlisted: UnlistedPacks;
  readonly #meta: MetaReader;
  readonly #read: ReadBlob;
  /** The refset used last, by the seq of its commit. */
  #refset: { readonly seq: number; readonly packs: Promise<PackIdList> } | undefined;

  constructor(options: RepositoryOptions, log: CommitLog) {
    const { custody, keys, openSessionObject, onDamage } = options;
    this.log = log;
    this.#options = options;
    this.#sessions = new SessionKeys({ custody, log, own: options.ownSessions, openSessionObject });
    this.#snapshots = new SnapshotReader({ custody, log, sessions: this.#sessions, onDamage });
    const places = { custody, vaultId: keys.vaultId, sessions: this.#sessions };
    const pages = new PackPages({ ...places, openPages: options.openPages });
    const packs = new PackReader({ pages, decompress: options.decompress });
    this.#blobs = new BlobReader({ ...options, packs, idKey: keys.idKey });
    this.#unlisted = new UnlistedPacks({ ...places, index: this.#indexOptions(), pages });
    this.#meta = new MetaReader({ index: this.#indexOptions(), blobs: this.#blobs, ...this.#beyondIndex });
    this.#read = (id) => this.#meta.read(id);
  }

  get vaultId(): VaultId {
    return this.#options.keys.vaultId;
  }

  get idKey(): IdKey {
    return this.#options.keys.idKey;
  }

  /** All snapshots and checkpoints that can be restored, oldest first. */
  async snapshots(): Promise<readonly Snapshot[]> {
    return await this.#snapshots.list();
  }

  /**
   * One snapshot by name: 'latest', '#' and its number, or the first 4 or more hex digits of its id.
   * @throws EngineError `not-found`, `refused`
   */
  async snapshot(name: string): Promise<Snapshot> {
    return await this.#snapshots.named(name);
  }

  /**
   * The entry at a path; the root has an empty one.
   * @throws EngineError `not-found`
   */
  async nodeAt(snapshot: SnapshotRoot, path: Uint8Array): Promise<TreeNode> {
    await this.#use(snapshot);
    let node = rootNode(snapshot);
    for (const name of pathComponents(path)) {
      const child = node.subtree === undefined ? undefined : await findEntry(this.#read, node.subtree, name);
      if (child === undefined)
        throw new EngineError('not-found', `find path in snapshot #${snapshot.seq}: no such entry`);
      node = child;
    }
    return node;
  }

  /** Entries of a directory or of the root, sorted by name; none for what is no directory. */
  async *children(of: TreeNode | SnapshotRoot): AsyncGenerator<TreeNode> {
    for await (const nodes of this.childParts(of)) yield* nodes;
  }

  /** As `children`, up to 2,048 at a time: many times cheaper than one by one. */
  async *childParts(of: TreeNode | SnapshotRoot): AsyncGenerator<readonly TreeNode[]> {
    if (isSnapshot(of)) await this.#use(of);
    const subtree = isSnapshot(of) ? of.rootTree : of.subtree;
    if (subtree !== undefined) yield* readDirectory(this.#read, subtree);
  }

  /**
   * Everything beneath a path (empty: the whole snapshot), a directory before what it holds; what stands at the path
   * itself only when it is no directory.
   */
  walk(snapshot: SnapshotRoot, path: Uint8Array = new Uint8Array()): AsyncGenerator<WalkedNode> {
    return walkTree(this.#read, async () => {
      const node = await this.nodeAt(snapshot, path);
      return { path: pathComponents(path).reduce(joinPath, new Uint8Array()), node };
    });
  }

  /** Parts of a file's content in order, up to 1,024 at a time; their lengths sum to its size. */
  contentParts(node: TreeNode): AsyncGenerator<readonly ContentPart[]> {
    return contentParts(this.#read, node);
  }

  /**
   * A file's content in order, every blob verified; the pieces must not be written to. For small files: it keeps a row
   * per part and reads frame by frame. Nothing is read for parts that lie in holes.
   */
  async *readFile(node: TreeNode, from?: SnapshotRoot): AsyncGenerator<Uint8Array> {
    const parts: ContentPart[] = [];
    for await (const some of this.contentParts(node)) parts.push(...some);
    const isHole = partsInHoles(parts, node.holes);
    const wanted = new IdTable();
    for (const [part, { blob }] of parts.entries()) if (!isHole(part)) wanted.add(blob);
    const refset = from === undefined ? undefined : await this.#refsetOrAny(from);
    const locations = await this.locate(wanted, refset);
    for (const [part, { blob, length }] of parts.entries()) {
      if (isHole(part)) {
        yield new Uint8Array(length);
        continue;
      }
      const { kind, bytes } = await this.#blobs.read(blob, locations.places(blob));
      if (kind !== 1 || bytes.length !== length) throw new DamagedError(`read blob ${toHex(blob)}: not of this length`);
      yield bytes;
    }
  }

  /**
   * One blob, its id recomputed.
   * @throws MissingDataError, DamagedError
   */
  async readBlob(id: BlobId, kind: BlobKind): Promise<Uint8Array> {
    const blob = kind === 1 ? await this.#readData(id) : await this.#meta.read(id);
    if (blob.kind !== kind) throw new DamagedError(`read blob ${toHex(id)}: it is of kind ${blob.kind}`);
    return blob.bytes;
  }

  /** Packs that the snapshot needs, sorted; its digest checked. */
  async refset(snapshot: Pick<SnapshotRoot, 'seq'>): Promise<PackIdList> {
    const entry = this.log.snapshot(snapshot.seq)?.refset;
    if (entry === undefined) throw new EngineError('not-found', `read refset of snapshot #${snapshot.seq}: it is gone`);
    if (this.#refset?.seq !== entry.seq) {
      this.#refset = { seq: entry.seq, packs: readRefset(this.#options.custody, this.vaultId, entry) };
    }
    try {
      return await this.#refset.packs;
    } catch (error) {
      this.#refset = undefined;
      throw error;
    }
  }

  /** All index objects that list packs of a kind, one after the other. */
  indexObjects(
    kind: IndexStreamOptions['kind'],
    options: Pick<IndexStreamOptions, 'onDamage'> = {},
  ): AsyncGenerator<OpenedIndex> {
    return readIndexObjects({ ...this.#indexOptions(), kind, ...options });
  }

  /** Where the wanted blobs stand, places in the refset first: one pass over the index of data packs, or of others. */
  async locate(
    wanted: IdTable,
    refset?: PackIdList,
    kind: IndexStreamOptions['kind'] = 'data',
  ): Promise<BlobLocations> {
    return await locateBlobs({ ...this.#indexOptions(), kind, wanted, refset, ...this.#beyondIndex });
  }

  /** What all snapshots need together, as far as their refsets can be read; sorted. */
  async neededPacks(): Promise<PackIdList> {
    return (await readNeededPacks(this.#options.custody, this.log)).packs;
  }

  /** Packs that may hold what snapshots need, some of whose refsets cannot be read; sorted. */
  async possiblePacks(): Promise<PackIdList> {
    return await readPossiblePacks(this.#options.custody, this.log);
  }

  /** Packs of the refset that no readable index object lists, with what their own trailers say. */
  async *unlistedPacks(refset: PackIdList, options: ReadUnlistedOptions): AsyncGenerator<UnlistedPack> {
    yield* this.#unlisted.read(await this.#unlisted.of(refset), options);
  }

  /** As ReadingCustody.getPack, of this vault. */
  async getPack(packId: PackId, into: Uint8Array, range?: PageRange): Promise<number | undefined> {
    return await this.#options.custody.getPack(this.vaultId, packId, into, range);
  }

  async sessionKeyOf(sessionId: SessionId): Promise<SessionKey> {
    return await this.#sessions.sessionKeyOf(sessionId);
  }

  async packKeyOf(pack: PackRecord): Promise<PackKey> {
    return await this.#sessions.packKeyOf(pack);
  }

  async #readData(id: BlobId): ReturnType<BlobReader['read']> {
    const wanted = new IdTable();
    wanted.add(id);
    return await this.#blobs.read(id, (await this.locate(wanted)).places(id));
  }

  /** Loads the index of the snapshot's trees. */
  async #use(snapshot: SnapshotRoot): Promise<void> {
    const refset = await this.#refsetOrAny(snapshot);
    const seq = this.log.snapshot(snapshot.seq)?.refset.seq;
    if (seq !== undefined) await this.#meta.include(seq, refset ?? (await this.possiblePacks()));
  }

  /** A refset only orders places: a damaged one must not stand between people and their files. */
  async #refsetOrAny(snapshot: SnapshotRoot): Promise<PackIdList | undefined> {
    try {
      return await this.refset(snapshot);
    } catch (error) {
      const { onDamage } = this.#options;
      if (onDamage === undefined || !(error instanceof DamagedError)) throw error;
      onDamage(error);
      return undefined;
    }
  }

  get #beyondIndex(): { readonly unlisted: UnlistedPacks; readonly possible: () => Promise<PackIdList> } {
    return { unlisted: this.#unlisted, possible: async () => await this.possiblePacks() };
  }

  #indexOptions(): IndexOptions {
    const { custody, keys, signal, onDamage } = this.#options;
    return { custody, log: this.log, indexKeys: keys.indexKeys, signal, onDamage };
  }
}

function isSnapshot(of: TreeNode | SnapshotRoot): of is SnapshotRoot {
  return 'rootTree' in of;
}

/** The root has no entry of its own in any tree. */
function rootNode({ rootTree }: SnapshotRoot): TreeNode {
  const own = { mode: 0o755, uid: 0, gid: 0, mtime: 0n };
  return { name: new Uint8Array(), type: NodeType.directory, subtree: rootTree, ...own };
}
