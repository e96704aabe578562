/** The steps of one check, and what they found so far. */
import { availableParallelism } from 'node:os';
import { freeBytes, toHex } from '@keephold/bytes';
import {
  type BlobId,
  containsPackId,
  type DeviceId,
  type PackId,
  type PackIdList,
  packLength,
  sortPackIds,
  subtractPackIds,
  unionPackIds,
} from '@keephold/protocol';
import { EngineError } from '../../errors.ts';
import type { IndexedPack } from '../../index-object.ts';
import type { BlobKind } from '../../pack-contents.ts';
import { areasWithin, ReadPool } from '../restore/pack-reading/read-pool.ts';
import { Turn } from '../turn.ts';
import type { CheckOptions, CheckReport } from './check-options.ts';
import { checkContent, checkPresence, LostPlaces, type PackCheckOptions } from './check-packs.ts';
import { compareLedger } from './compare-ledger.ts';
import { Findings } from './findings.ts';
import { inLanes } from './in-lanes.ts';
import { lossJudge, placeJudge } from './judges.ts';
import { PackCatalog } from './pack-catalog.ts';
import { type NumberedPack, PackHandOver } from './pack-hand-over.ts';
import { packsOf } from './packs-of.ts';
import { SnapshotWalk } from './snapshot-walk.ts';

const PRESENCE_AT_ONCE = 8;

interface CheckedSnapshot {
  readonly seq: number;
  readonly label: string;
  readonly rootTree: BlobId | undefined;
  readonly refset: PackIdList | undefined;
}

export class CheckRun {
  readonly #options: CheckOptions;
  readonly #findings = new Findings();
  readonly #lost = new LostPlaces();
  readonly #catalog = new PackCatalog();
  readonly #turn = new Turn();
  /** Packs that are looked for but not read. */
  readonly #unread: number[] = [];
  /** Packs to be read that did not fit among those handed over. */
  readonly #later = new Set<number>();
  #snapshots: CheckedSnapshot[] = [];
  /** What all snapshots together need, as far as their refsets can be read. */
  #needed: PackIdList = new Uint8Array(0);
  /** Where a refset cannot be read: packs that are there. */
  #possible: PackIdList = new Uint8Array(0);
  /** A refset that cannot be read may name any pack: all are looked at then. */
  #lacksRefset = false;
  #packs = 0;
  #packsDone = 0;
  #packsRead = 0;
  #bytesRead = 0;
  #trees = 0;
  #bytesTotal = 0;

  constructor(options: CheckOptions) {
    this.#options = options;
  }

  counts(): Omit<CheckReport, 'durationMs' | 'interrupted'> {
    return {
      snapshots: this.#snapshots.length,
      trees: this.#trees,
      blobs: this.#catalog.blobs.size,
      packs: this.#packs,
      packsRead: this.#packsRead,
      bytesRead: this.#bytesRead,
      problems: this.#findings.problems(),
      damagedPacks: sortPackIds([...this.#lost.damaged.values()]),
    };
  }

  /** Answers whether it was interrupted; what was found until then counts. */
  async run(): Promise<boolean> {
    const { signal, readData, spawnWorker, repository, native, found = [] } = this.#options;
    const workers = this.#options.workers ?? availableParallelism();
    const areas = areasWithin(this.#options.memory, workers + 1);
    const pool =
      readData > 0 || this.#knownLost.length > 0
        ? new ReadPool({ spawnWorker, workers, areas, idKey: repository.idKey, native })
        : undefined;
    for (const { kind, what } of found) this.#findings.add(kind, what);
    try {
      await this.#openSnapshots();
      await this.#checkAll(pool, areas);
      if (!this.#lost.isEmpty) await this.#findAffected();
      return false;
    } catch (error) {
      if (!signal.aborted) throw error;
      return true;
    } finally {
      await pool?.close();
    }
  }

  /** Packs are read while the index still passes by and trees are walked. */
  async #checkAll(pool: ReadPool | undefined, areas: number): Promise<void> {
    const early = new PackHandOver();
    const reading = pool === undefined ? undefined : this.#readPacks(pool, areas, early);
    const looking = this.#loadIndex(early).then(() => Promise.all([this.#checkPresence(), this.#checkTrees()]));
    // Whichever fails first, the other is not left running behind it.
    for (const result of await Promise.allSettled([looking, reading]))
      if (result.status === 'rejected') throw result.reason;
  }

  async #loadIndex(early: PackHandOver): Promise<void> {
    const onDamage = (error: EngineError): void => this.#findings.add('damaged-index', error.message);
    try {
      for await (const { packs, entry } of this.#options.repository.indexObjects('all', { onDamage })) {
        this.#options.signal.throwIfAborted();
        for (const pack of packs) this.#meetPack(pack, entry.deviceId, early);
        await this.#turn.take();
      }
      await this.#meetUnlisted(early);
    } finally {
      early.close();
    }
  }

  /** Packs that no index lists tell themselves what they hold. */
  async #meetUnlisted(early: PackHandOver): Promise<void> {
    const { repository } = this.#options;
    if (this.#lacksRefset) this.#possible = await repository.possiblePacks();
    const wanted = unionPackIds(this.#needed, this.#possible);
    let isAnyUnlisted = false;
    this.#catalog.flags(wanted, () => (isAnyUnlisted = true));
    if (!isAnyUnlisted) return;
    let unlisted = 0;
    const onFailure = (error: EngineError, packId: PackId): void => {
      if (this.#mayBeGone(packId)) return;
      this.#lost.damaged.set(toHex(packId), packId);
      this.#findings.add('damaged-index', `pack ${toHex(packId)} is needed and no index lists it: ${error.message}`);
    };
    const packs = repository.unlistedPacks(wanted, { kind: 'all', onFailure });
    for await (const { pack, author } of packs) {
      unlisted++;
      this.#meetPack(pack, author, early);
    }
    if (unlisted > 0)
      this.#findings.add('damaged-index', `no index lists packs that are needed (${unlisted}): read by their trailers`);
  }

  #meetPack(pack: IndexedPack, author: DeviceId, early: PackHandOver): void {
    const number = this.#catalog.add(pack, author);
    if (number === -1 || !(this.#lacksRefset || containsPackId(this.#needed, pack.packId)))
      return freeBytes(pack.contents.blobs);
    this.#packs++;
    const { readData, random = systemDraw } = this.#options;
    const isChosen = random() < readData;
    if (!isChosen && !this.#isKnownLost(pack.packId)) {
      this.#unread.push(number);
      return freeBytes(pack.contents.blobs);
    }
    this.#bytesTotal += packLength(pack.pageCount);
    if (early.offer({ pack, number })) return;
    this.#later.add(number);
    freeBytes(pack.contents.blobs);
  }

  async #openSnapshots(): Promise<void> {
    const { repository, ledger, signal } = this.#options;
    for (const { seq } of repository.log.snapshots) {
      signal.throwIfAborted();
      const label = `#${seq}`;
      const snapshot = await this.#orReport('commit', label, async () => await repository.snapshot(label));
      const refset = await this.#orReport('refset', label, async () => await repository.refset({ seq }));
      if (refset === undefined) this.#lacksRefset = true;
      else this.#needed = unionPackIds(this.#needed, refset);
      this.#snapshots.push({ seq, label, rootTree: snapshot?.rootTree, refset });
    }
    if (ledger !== undefined) compareLedger(repository.log, await ledger(), this.#findings);
  }

  async #checkTrees(): Promise<void> {
    const { repository, signal } = this.#options;
    const catalog = this.#catalog;
    let flags: Uint8Array = new Uint8Array(0);
    const walk = new SnapshotWalk({
      judge: placeJudge({ catalog, findings: this.#findings, counts: (pack) => flags[pack] === 1 }),
      kindOf: (id) => catalog.treeKindOf(id),
      readBlob: async (id, kind) => {
        await this.#turn.take();
        return await repository.readBlob(id, kind);
      },
      signal,
      onTree: () => this.#countTree(),
    });
    let previous: PackIdList | undefined;
    for (const { label, rootTree, refset } of this.#snapshots) {
      if (rootTree === undefined) continue;
      // What was found under a larger set of packs says nothing about a smaller one.
      if (previous === undefined || refset === undefined || subtractPackIds(previous, refset).length > 0) walk.forget();
      previous = refset;
      flags = refset === undefined ? catalog.allFlags() : catalog.flags(refset, () => undefined);
      await walk.walk(label, rootTree);
    }
  }

  async #checkPresence(): Promise<void> {
    await inLanes(PRESENCE_AT_ONCE, this.#unread, async (number) => {
      this.#options.signal.throwIfAborted();
      await checkPresence(this.#packOptions(), this.#catalog.records[number]!, number);
      this.#progress();
    });
  }

  async #readPacks(pool: ReadPool, areas: number, early: PackHandOver): Promise<void> {
    const { signal } = this.#options;
    await inLanes(areas, this.#packsToRead(early), async ({ pack, number }) => {
      signal.throwIfAborted();
      const area = await pool.takeArea();
      try {
        const bytes = await checkContent({ ...this.#packOptions(), pool, area }, pack, number);
        this.#bytesRead += bytes;
        this.#packsRead++;
      } finally {
        freeBytes(pack.contents.blobs);
        pool.releaseArea(area);
      }
      this.#progress();
    });
  }

  /** What is handed over, then the rest while their index objects pass by once more: rows are not kept in between. */
  async *#packsToRead(early: PackHandOver): AsyncGenerator<NumberedPack> {
    yield* early;
    if (this.#later.size === 0) return;
    const { repository } = this.#options;
    const needed = unionPackIds(this.#needed, this.#possible);
    yield* packsOf(repository, { wanted: this.#later, needed, catalog: this.#catalog });
  }

  /** Whose files need what is lost: only asked when something is. */
  async #findAffected(): Promise<void> {
    const { repository, signal } = this.#options;
    const readBlob = async (id: BlobId, kind: BlobKind): Promise<Uint8Array> => await repository.readBlob(id, kind);
    const catalog = this.#catalog;
    const walk = new SnapshotWalk({
      judge: lossJudge({ catalog, findings: this.#findings, lost: this.#lost }),
      kindOf: (id) => catalog.treeKindOf(id),
      readBlob,
      signal,
      onTree: () => undefined,
    });
    for (const { label, rootTree } of this.#snapshots) if (rootTree !== undefined) await walk.walk(label, rootTree);
  }

  #packOptions(): PackCheckOptions {
    const { repository } = this.#options;
    const isToldByNeed = (packId: PackId): boolean => this.#isKnownLost(packId) || this.#mayBeGone(packId);
    const { vaultId } = repository;
    return { source: repository, vaultId, findings: this.#findings, lost: this.#lost, isToldByNeed };
  }

  /** It is in no refset that can be read: it was purged, or a snapshot without its refset needs it. */
  #mayBeGone(packId: PackId): boolean {
    return this.#lacksRefset && !containsPackId(this.#needed, packId);
  }

  get #knownLost(): PackIdList {
    return this.#options.lost ?? new Uint8Array(0);
  }

  #isKnownLost(packId: PackId): boolean {
    return this.#knownLost.length > 0 && containsPackId(this.#knownLost, packId);
  }

  async #orReport<T>(kind: 'commit' | 'refset', label: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof EngineError) || (error.code !== 'damaged' && error.code !== 'missing')) throw error;
      this.#findings.add(kind, error.message, label);
      return undefined;
    }
  }

  #countTree(): void {
    this.#trees++;
    if (this.#trees % 256 === 0) this.#report();
  }

  #progress(): void {
    this.#packsDone++;
    this.#report();
  }

  #report(): void {
    this.#options.onProgress?.({
      packs: this.#packsDone,
      packsTotal: this.#packs,
      bytesRead: this.#bytesRead,
      bytesTotal: this.#bytesTotal,
      trees: this.#trees,
      problems: this.#findings.count,
    });
  }
}

/** From 0 to below 1. */
function systemDraw(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! / 0x1_0000_0000;
}
