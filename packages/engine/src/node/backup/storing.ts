/** Everything a run needs to store something: known blobs, workers, the packer of trees, uploads. */
import { gearTable } from '@keephold/crypto';
import type { Head } from '@keephold/protocol';
import type { IndexedPack } from '../../index-object.ts';
import { ARENA_RECORDS } from '../known-blobs/blob-arena.ts';
import type { KnownBlobStore } from '../known-blobs/known-blob-store.ts';
import { goneFrom, openKnownBlobs } from '../known-blobs/sync-known-blobs.ts';
import { AreaGrowth } from '../packing/area-growth.ts';
import { AreaPool, createSharedAreaPool } from '../packing/area-pool.ts';
import { packAreaBytes } from '../packing/pack-builder.ts';
import { AdoptedPacks } from './adopted-packs.ts';
import { SEGMENT_PIECES } from './content-cutter.ts';
import { RECORD_PLACE } from './file-results.ts';
import type { BackupOptions, WriterSession } from './options.ts';
import { PackUploads } from './pack-uploads.ts';
import type { RunCounters } from './run-counters.ts';
import { TreeStore } from './tree-store.ts';
import { UploadJournal } from './upload-journal.ts';
import type { UsedPacks } from './used-packs.ts';
import { WorkerPool } from './worker-pool.ts';

/** What a run needs besides pack areas and the table of known blobs: code, threads, buffers. */
const FIXED_BYTES: number = 185 * 1024 * 1024;
/** Trees wait in memory for their upload: beyond this many the walk waits. */
const MAX_TREE_UPLOADS = 3;
/** New blobs that one worker may come up with from what it was given already: five messages. */
const NEW_BLOBS_PER_WORKER: number = 5 * SEGMENT_PIECES;

interface StoringParts {
  readonly options: BackupOptions;
  readonly session: WriterSession;
  readonly known: KnownBlobStore;
  readonly counters: RunCounters;
  readonly journal: UploadJournal;
  readonly adopted: AdoptedPacks;
}

export class Storing {
  readonly known: KnownBlobStore;
  readonly uploads: PackUploads;
  readonly trees: TreeStore;
  readonly pool: WorkerPool;
  readonly #options: BackupOptions;
  readonly #session: WriterSession;
  readonly #journal: UploadJournal;
  readonly #adopted: AdoptedPacks;
  #dead: Uint8Array;
  #ended: Promise<void> | undefined;
  #isDataSealed = false;
  #sealing: Promise<void> | undefined;
  /** What the next commit makes the journal forget. */
  #cut = 0;

  private constructor({ options, session, known, counters, journal, adopted }: StoringParts) {
    const { keys, native } = options;
    this.#journal = journal;
    this.#adopted = adopted;
    this.#options = options;
    this.#session = session;
    this.known = known;
    this.#dead = new Uint8Array(known.shared.table.deadPacks);
    this.uploads = new PackUploads({
      custody: options.custody,
      vaultId: keys.vaultId,
      session,
      known: () => this.known,
      counters,
      journal,
    });
    const identity = { vaultId: keys.vaultId, sessionId: session.sessionId, sessionKey: session.sessionKey };
    this.trees = new TreeStore({
      idKey: keys.idKey,
      native,
      level: options.compression,
      known: known.known,
      identity,
      random: options.random,
      onPack: (pack, area, release) => this.uploads.add(pack, area, release),
    });
    const areas = createSharedAreaPool(areaCounts(options, known));
    const pool = new AreaPool(areas);
    const growth = new AreaGrowth({
      pool,
      memory: options.memory,
      residentBytes: () => process.memoryUsage.rss(),
      now: () => performance.now(),
    });
    this.pool = new WorkerPool({
      spawn: options.spawnWorker,
      workers: options.workers,
      setup: {
        known: known.shared,
        areas,
        idKey: keys.idKey,
        gearTable: gearTable(keys.chunkerKey, keys.vaultId),
        identity,
        level: options.compression,
        native,
      },
      onPack: (pack, index) => {
        growth.notePack();
        this.uploads.add(pack, pool.area(index), () => pool.release(index));
      },
    });
  }

  static async open(
    options: BackupOptions,
    session: WriterSession,
    counters: RunCounters,
    isMissing: (packId: Uint8Array) => boolean,
  ): Promise<Storing> {
    const { custody, keys, cacheFolder, signal, devicePublicKey, trusted = () => [], random } = options;
    const known = await openKnownBlobs({ custody, keys, devicePublicKey, trusted, folder: cacheFolder, signal });
    const isGone = await goneFrom(custody, keys, isMissing);
    known.setDeadPacks(isGone);
    const journal = new UploadJournal(cacheFolder, { keys, random });
    const adopted = await AdoptedPacks.adopt({ journal, known, sessionId: session.sessionId, isGone });
    return new Storing({ options, session, known, counters, journal, adopted });
  }

  /** The pack of a blob that an earlier run stored and no commit names yet; undefined for other records. */
  adoptedPack(record: number): number | undefined {
    return this.#adopted.numberOf(record);
  }

  /** Packs of earlier runs that the next commit must name: what a complete snapshot `used`, or all. */
  adopted(used: UsedPacks | 'all'): readonly IndexedPack[] {
    return used === 'all' ? this.#adopted.takeAll() : this.#adopted.takeUsed(used);
  }

  isDead(pack: number): boolean {
    return ((this.#dead[pack >> 3] ?? 0) >> (pack & 7)) % 2 === 1;
  }

  get hasRoom(): boolean {
    return (
      this.pool.hasRoom && this.uploads.inFlight < MAX_TREE_UPLOADS + this.#options.custody.properties.uploadsInFlight
    );
  }

  get progress(): { readonly bytesRead: number; readonly bytesStored: number } {
    const { bytesRead, bytesStored } = this.pool.progress;
    return { bytesRead, bytesStored: bytesStored + this.trees.storedBytes };
  }

  check(): void {
    this.pool.check();
    this.uploads.check();
  }

  /** Resolves when a worker or an upload got something done. */
  async change(): Promise<void> {
    if (this.pool.hasRoom) await this.uploads.change();
    else await this.pool.change();
    this.check();
  }

  /** Whether the run must commit before workers are given more: what they have in hand must still find room. */
  get mustCommit(): boolean {
    return this.known.known.arenaRoom < Math.min(ARENA_RECORDS * 0.75, this.#options.workers * NEW_BLOBS_PER_WORKER);
  }

  /** Lets everyone who waits look again whether to go on waiting. */
  wake(): void {
    this.pool.wake();
    this.uploads.wake();
  }

  /** Whether the pack of what is at `place` is durable, or a meta pack that the next commit waits for. */
  stands(place: number): boolean {
    if (place < RECORD_PLACE) return true;
    const record = place - RECORD_PLACE;
    const pack = this.known.sealedPackOf(record);
    return pack === undefined ? this.trees.hasOpen(record) : !this.uploads.lacks(pack);
  }

  /** Brings the workers to an end and waits until their packs are durable. */
  async endData(): Promise<void> {
    await this.pool.idle();
    await this.dataDurable('nothing');
  }

  /** Seals what workers have open, and waits until it is durable. Workers must be idle. */
  async dataDurable(next: 'more' | 'nothing'): Promise<void> {
    await this.#sealData(next);
    await this.uploads.settled();
  }

  /** Seals what is open: every record of this run has its pack then. With 'nothing' to follow the workers end. */
  async seal(next: 'more' | 'nothing'): Promise<void> {
    // Trees are sealed here while a worker seals data.
    await Promise.all([this.#sealData(next), this.#sealTrees()]);
    // Sealing what the commit needs takes memory that idle workers hold.
    if (next === 'nothing') this.#ended = this.pool.close();
  }

  /** Waits until all that was sealed is durable; answers the packs the commit must name. */
  async durable(): Promise<readonly IndexedPack[]> {
    await Promise.all([this.uploads.settled(), this.#ended]);
    return this.#takeStored();
  }

  /** Waits until the trees sealed so far are durable; answers the packs that are by then, which the commit must name. */
  async durableSoFar(): Promise<readonly IndexedPack[]> {
    await this.uploads.metaSettled();
    return this.#takeStored();
  }

  #takeStored(): readonly IndexedPack[] {
    this.#cut = this.#journal.cut();
    return this.uploads.takeStored();
  }

  /** After a commit beside which workers go on. */
  settleSoFar(): void {
    this.known.keepNumbers();
    this.#journal.forget(this.#cut);
  }

  async #sealData(next: 'more' | 'nothing'): Promise<void> {
    // Of one that was interrupted: workers are asked one thing at a time.
    await this.#sealing;
    if (this.#isDataSealed) return;
    this.#isDataSealed = next === 'nothing';
    this.#sealing = this.pool.finish(next);
    await this.#sealing;
  }

  async #sealTrees(): Promise<void> {
    this.trees.finish();
  }

  /** After a commit up to `head`. */
  settle(head: Head): void {
    this.known.settle(head);
    this.#journal.forget(this.#cut);
    this.#dead = new Uint8Array(this.known.shared.table.deadPacks);
    this.trees.renew(this.known.known);
    const { sessionId, sessionKey } = this.#session;
    this.pool.renew({
      kind: 'renew',
      known: this.known.shared,
      identity: { vaultId: this.#options.keys.vaultId, sessionId, sessionKey },
    });
  }

  async close(): Promise<void> {
    await this.pool.close();
    await this.uploads.ended();
    this.known.close();
  }
}

/** One area a worker fills, and as many as surely fit for packs on their way, but at least one; at most also one to name. */
function areaCounts(options: BackupOptions, known: KnownBlobStore): { readonly open: number; readonly most: number } {
  const left = options.memory - FIXED_BYTES - known.memoryBytes;
  const most = 2 * options.workers + options.custody.properties.uploadsInFlight;
  return { open: Math.max(options.workers + 1, Math.min(most, Math.floor(left / packAreaBytes(1)))), most };
}
