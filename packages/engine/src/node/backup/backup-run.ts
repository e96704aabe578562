/**
 * One pass of a backup. Starts threads and opens the table of known blobs only when something changed: a run without
 * changes costs a look at every entry and one commit.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { containsPackId, type PackIdList } from '@keephold/protocol';
import { FullWalkNeeded, type FullWalkReason } from '../journal/full-walk.ts';
import { WalkJournal } from '../journal/walk-journal.ts';
import { StreamCache } from '../tree-cache/stream-cache.ts';
import { checkpointPause } from './checkpoint-pause.ts';
import { DatabaseQueue } from './database-queue.ts';
import { FileQueue } from './file-queue.ts';
import { InterruptedRun, isSoon, unlessInterrupted } from './interruption.ts';
import { OnceMore } from './once-more.ts';
import type { BackupOptions, BackupProgress, BackupReport } from './options.ts';
import { selectRoots } from './paths.ts';
import { RunCommits } from './run-commits.ts';
import { RunCounters } from './run-counters.ts';
import { Storing } from './storing.ts';
import { TreeWalk } from './tree-walk.ts';
import { ALL_STANDS } from './trees-that-stand.ts';
import { UsedPacks } from './used-packs.ts';
import { isYoung } from './young.ts';

/** Milliseconds the walk may go on before it lets messages in. */
const TURN_MS = 4;
/** The same while nothing is being stored. */
const LOOKING_TURN_MS = 25;
/** Between two reports of progress; whoever waits looks as often whether the run must stop, or a checkpoint is due. */
const TICK_MS = 200;
/** For how long a run that is to end goes on storing. */
const SOON_MS = 2000;
/** In the cache folder, which is lent to one process at a time. */
const COPIES_FOLDER = 'copies';

export type RunResult =
  | { readonly kind: 'done'; readonly report: BackupReport }
  /** To be done once more: what the run relied on is not so, and these packs are missing. */
  | { readonly kind: 'again'; readonly missing: PackIdList; readonly fullWalk: FullWalkReason };

/** What earlier passes came to. */
export interface Passes {
  /** Packs that they relied on in vain. */
  readonly missing: PackIdList;
  readonly isFirst: boolean;
  /** Why all must be walked now, whoever tells of changes. */
  readonly fullWalk: FullWalkReason | undefined;
}

export class BackupRun {
  readonly #options: BackupOptions;
  readonly #passes: Passes;
  readonly #counters = new RunCounters();
  readonly #cache: StreamCache;
  readonly #used = new UsedPacks();
  readonly #walk: TreeWalk;
  readonly #databases: DatabaseQueue | undefined;
  readonly #files: FileQueue;
  readonly #journal: WalkJournal;
  readonly #commits: RunCommits;
  readonly #startMs = performance.now();
  #storing: Storing | undefined;
  #lastTurn = performance.now();
  #lastCheckpoint = performance.now();
  /** After an interruption: all that was read is durable. */
  #isAllStored = false;

  constructor(options: BackupOptions, passes: Passes) {
    const { keys, cacheFolder, stream } = options;
    this.#options = options;
    this.#passes = passes;
    const start = startOf(options);
    this.#cache = new StreamCache(cacheFolder, keys.vaultId, stream);
    const copies = options.copyDatabases;
    const folder = join(cacheFolder, COPIES_FOLDER);
    // Copies of a run that was killed.
    rmSync(folder, { recursive: true, force: true });
    this.#databases = copies === undefined ? undefined : new DatabaseQueue(() => copies(folder));
    this.#files = new FileQueue(() => this.#storing!.pool, this.#databases);
    this.#journal = new WalkJournal({
      journal: options.journal,
      source: options.source,
      cache: this.#cache,
      now: Number(start / 1_000_000n),
      fullWalk: passes.fullWalk,
    });
    const startSeconds = Number(start / 1_000_000n) / 1000;
    this.#walk = new TreeWalk({
      source: options.source,
      cached: this.#cache.trees,
      records: this.#cache.records,
      files: this.#files,
      trees: () => this.#storing!.trees,
      used: this.#used,
      adoptedPack: (record) => this.#storing?.adoptedPack(record),
      counters: this.#counters,
      again: this.#journal.again,
      isTold: this.#journal.scope.kind === 'changed',
      isDead: (pack) => this.#storing?.isDead(pack) ?? false,
      isTooYoung: (stats, at) => isYoung(stats, at, startSeconds),
      prepare: () => this.#prepare(),
      breathe: () => this.#breathe(),
      mode: options.dryRun ? 'look' : 'store',
    });
    this.#commits = new RunCommits({
      options,
      cache: this.#cache,
      journal: this.#journal,
      walk: this.#walk,
      used: this.#used,
      counters: this.#counters,
      start,
    });
  }

  async run(): Promise<RunResult> {
    const timer = setInterval(() => this.#tick(), TICK_MS);
    try {
      const interrupted = await this.#walkAll();
      if (this.#options.dryRun) return this.#done('none', interrupted);
      if (interrupted && !this.#hasStored) return this.#done('none', true);
      return await this.#commitAll(interrupted);
    } catch (cause) {
      if (cause instanceof OnceMore) return { kind: 'again', missing: cause.missing, fullWalk: 'missing-data' };
      if (cause instanceof FullWalkNeeded)
        return { kind: 'again', missing: this.#passes.missing, fullWalk: cause.reason };
      throw cause;
    } finally {
      clearInterval(timer);
      await this.#databases?.[Symbol.asyncDispose]();
      await this.#storing?.close();
      this.#cache.close();
    }
  }

  #tick(): void {
    this.#options.onProgress(this.#progress);
    this.#storing?.wake();
  }

  /** True when the run was interrupted. */
  async #walkAll(): Promise<boolean> {
    try {
      // A first run, or one that must look out for what is missing, is going to store something: start at once.
      if (this.#cache.head === undefined || !this.#passes.isFirst) await this.#prepare();
      await this.#walkChanged();
      await this.#readRest();
      return false;
    } catch (cause) {
      if (!(cause instanceof InterruptedRun)) throw cause;
      await this.#stop();
      return true;
    }
  }

  async #walkChanged(): Promise<void> {
    const { scope, nothingToWalk: last } = this.#journal;
    if (last !== undefined) {
      this.#counters.takeOver(last);
      return this.#walk.takeOver(last.rootTree);
    }
    const selection = selectRoots(this.#options.source.roots);
    await this.#walk.run({ selection, visits: scope.kind === 'all' ? 'all' : scope.visits });
  }

  /** Ends what is going on: what can be stored soon is, the rest is given up. */
  async #stop(): Promise<void> {
    const storing = this.#storing;
    storing?.pool.hurry();
    this.#files.flush();
    this.#files.giveUp();
    if (storing === undefined) return;
    this.#isAllStored = await isSoon(storing.endData(), SOON_MS);
    storing.uploads.stop();
    this.#files.giveUp();
  }

  /** Waits for files that are still being read, and has the rest of long ones read. */
  async #readRest(): Promise<void> {
    this.#files.flush();
    const storing = this.#storing;
    if (storing === undefined) return;
    for (;;) {
      this.#throwIfAborted();
      storing.check();
      if (this.#isCheckpointDue(storing)) await this.#checkpoint();
      this.#files.pump(() => !storing.mustCommit);
      if (!storing.pool.isIdle) await storing.pool.change();
      else if (this.#files.hasWaiting) await this.#unlessInterrupted(this.#files.databaseCopied());
      else return await this.#waitForLine(storing);
    }
  }

  /** While all that is left to do is waiting, the run can be interrupted still: nobody knows how long a line takes. */
  async #waitForLine(storing: Storing): Promise<void> {
    const ending = storing.endData();
    while (!(await isSoon(ending, TICK_MS))) {
      this.#throwIfAborted();
      if (this.#isCheckpointDue(storing)) await this.#checkpoint();
    }
  }

  /** Whether there is anything that a checkpoint would keep. */
  get #hasStored(): boolean {
    const { filesCaptured, packs } = this.#counters;
    return this.#storing !== undefined && (packs > 0 || filesCaptured > 0);
  }

  async #commitAll(interrupted: boolean): Promise<RunResult> {
    if (!interrupted) this.#options.source.frozen?.confirm();
    if (!interrupted && this.#walk.isUnchanged && this.#cache.isSingle && this.#storing === undefined) {
      await this.#commits.commitUnchanged();
      return this.#done('complete', false);
    }
    await this.#prepare();
    const kind = interrupted ? 'checkpoint' : 'complete';
    const isPartial = interrupted && !this.#walk.isDone;
    if (!interrupted || this.#isAllStored) {
      const rootTree = isPartial ? this.#walk.storePartial(ALL_STANDS) : this.#walk.rootTree;
      await this.#commits.commit(this.#storing!, { kind, rootTree }, 'nothing');
    } else if (this.#storing!.uploads.hasStored) await this.#commits.commitSoFar(this.#storing!);
    return this.#done(kind, interrupted);
  }

  async #prepare(): Promise<void> {
    if (this.#storing !== undefined || this.#options.dryRun) return;
    const session = await this.#commits.openSession();
    const isMissing = (packId: Uint8Array): boolean => containsPackId(this.#passes.missing, packId);
    try {
      this.#storing = await Storing.open(this.#options, session, this.#counters, isMissing);
    } catch (cause) {
      this.#throwIfAborted();
      throw cause;
    }
    if (!this.#cache.isNumberedBy(this.#storing.known.numbering)) throw new OnceMore(this.#passes.missing);
  }

  /** What the walk waits for before it goes on. */
  #breathe(): Promise<void> | undefined {
    this.#throwIfAborted();
    const storing = this.#storing;
    if (storing !== undefined) {
      storing.check();
      if (this.#isCheckpointDue(storing)) return this.#checkpoint();
      this.#files.pump(() => !storing.mustCommit);
      if (!storing.hasRoom) return this.#waitForRoom(storing);
    }
    if (performance.now() - this.#lastTurn < (storing === undefined ? LOOKING_TURN_MS : TURN_MS)) return undefined;
    return new Promise((resolve) =>
      setImmediate(() => {
        this.#lastTurn = performance.now();
        resolve();
      }),
    );
  }

  async #waitForRoom(storing: Storing): Promise<void> {
    while (!storing.hasRoom) {
      await storing.change();
      this.#throwIfAborted();
      if (this.#isCheckpointDue(storing)) await this.#checkpoint();
      this.#files.pump(() => !storing.mustCommit);
    }
    this.#lastTurn = performance.now();
  }

  async #checkpoint(): Promise<void> {
    const storing = this.#storing!;
    if (!storing.uploads.isSlow || storing.mustCommit) await this.#commitAtRest(storing);
    else if (storing.uploads.hasStored) await this.#commits.commitSoFar(storing);
    this.#lastCheckpoint = performance.now();
  }

  /** A checkpoint of everything that was read: workers finish what they have in hand. */
  async #commitAtRest(storing: Storing): Promise<void> {
    this.#files.flush();
    while (!storing.pool.isIdle) {
      await storing.pool.change();
      this.#throwIfAborted();
      storing.check();
    }
    await this.#unlessInterrupted(storing.dataDurable('more'));
    const rootTree = this.#walk.storePartial(ALL_STANDS);
    await this.#commits.commit(storing, { kind: 'checkpoint', rootTree }, 'more');
  }

  #isCheckpointDue(storing: Storing): boolean {
    const now = performance.now();
    const pause = checkpointPause(now - this.#startMs, this.#options.checkpointEvery);
    return storing.mustCommit || now - this.#lastCheckpoint > pause;
  }

  async #unlessInterrupted(work: Promise<void>): Promise<void> {
    await unlessInterrupted(work, this.#options.signal);
  }

  #throwIfAborted(): void {
    if (this.#options.signal.aborted) throw new InterruptedRun();
  }

  get #progress(): BackupProgress {
    const counters = this.#counters;
    const read = this.#storing?.progress ?? { bytesRead: 0, bytesStored: 0 };
    const totals =
      this.#cache.head === undefined ? undefined : { files: this.#cache.head.files, bytes: this.#cache.head.bytes };
    return {
      files: counters.files,
      directories: counters.directories,
      bytesDone: counters.bytes,
      bytesRead: read.bytesRead,
      bytesStored: read.bytesStored,
      filesUnchanged: counters.filesUnchanged + counters.filesStoredAgain,
      errors: counters.unreadable.length,
      currentPath: counters.currentPath,
      totals,
    };
  }

  #done(kind: BackupReport['kind'], interrupted: boolean): RunResult {
    const counters = this.#counters;
    const committed = this.#commits.last;
    return {
      kind: 'done',
      report: {
        kind: committed === undefined ? 'none' : kind,
        snapshot: committed === undefined ? undefined : { seq: committed.head.seq, id: committed.object },
        files: {
          new: counters.filesNew,
          changed: counters.filesChanged,
          unchanged: counters.filesUnchanged + counters.filesStoredAgain,
          storedAgain: counters.filesStoredAgain,
        },
        directories: counters.directories,
        walk: this.#journal.told(counters),
        otherEntries: counters.otherEntries,
        bytes: counters.bytes,
        bytesRead: this.#storing?.progress.bytesRead ?? 0,
        bytesStored: counters.bytesWritten,
        packsAdded: counters.packs,
        unreadable: counters.unreadable,
        notes: counters.notes,
        captured: { ...counters.captured },
        excluded: this.#options.source.excluded,
        durationMs: performance.now() - this.#startMs,
        interrupted,
        isWhole: !interrupted || this.#isAllStored,
      },
    };
  }
}

/** Of what is stored: a snapshot of the file system that is read is older than the run. */
function startOf({ now, source }: BackupOptions): bigint {
  const start = now();
  if (source.frozen === undefined) return start;
  const since = BigInt(Math.floor(source.frozen.since)) * 1_000_000n;
  return since < start ? since : start;
}
