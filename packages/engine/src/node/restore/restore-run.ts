/** Carries out the slices of a restore one after the other, while the next one is planned. */
import { NodeType } from '../../node-fields.ts';
import type { MetadataProblem, Target } from '../../target.ts';
import type { Account, RestoredItem } from './account.ts';
import { ContentPlaces } from './content-places.ts';
import { FileOption, FileRows, type FileTable, hasOption, metadataOf, pathOf, sizeOf } from './file-rows.ts';
import { FileState, type WrittenFiles } from './file-writer.ts';
import { makeHardLink, makeLink } from './finish-slice.ts';
import { type ItemFailure, isNoRoom } from './item-failure.ts';
import type { ReadPool } from './pack-reading/read-pool.ts';
import { ProtectedItems } from './protected-items.ts';
import { refsetOrAny } from './readable-repository.ts';
import type { PlannedLink, RestoreSlice } from './restore-slice.ts';
import type { RestoreWalk } from './restore-walk.ts';
import { type FileEnd, SliceContent } from './slice-content.ts';
import { SlicePlanner } from './slice-planner.ts';
import { type SpanningFile, SpanningFiles } from './spanning-files.ts';
import { writeSlice } from './write-slice.ts';

/** Entries in one message to a worker. */
const BATCH = 512;
/** What its owner needs of a directory so that the things in it can still be reached. */
const OWNER_BITS = 0o700;

export interface RestoreRunOptions {
  readonly walk: RestoreWalk;
  readonly pool: ReadPool;
  readonly areas: number;
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
}

export class RestoreRun {
  readonly #options: RestoreRunOptions;
  readonly #target: Target;
  readonly #account: Account;
  readonly #spanning: SpanningFiles;
  readonly #protected = new ProtectedItems();
  /** Packs that are read at once. */
  #lanes = 1;
  #carried: SpanningFile | undefined;
  /** Set when the target is full. */
  noRoom: ItemFailure | undefined;

  constructor(options: RestoreRunOptions) {
    this.#options = options;
    this.#target = options.walk.options.target;
    this.#account = options.walk.options.account;
    this.#spanning = new SpanningFiles(this.#target);
  }

  get shouldStop(): boolean {
    return this.noRoom !== undefined || this.#options.signal.aborted;
  }

  /** All slices. On the way out, also in case of an error, nothing half-written is left under a final name. */
  async run(): Promise<void> {
    const slices = this.#options.walk.slices();
    let next = slices.next();
    try {
      for (let isFirst = true; ; isFirst = false) {
        const planned = await next;
        if (planned.done === true || this.shouldStop) break;
        if (isFirst) this.#lanes = this.#lanesFor(planned.value);
        next = slices.next();
        // Its failure is seen when its turn comes.
        next.catch(() => undefined);
        await this.#carryOut(planned.value);
      }
      if (!this.shouldStop) await this.#finishTarget();
    } finally {
      await next.catch(() => undefined);
      this.#spanning.abandonAll();
    }
    this.#protected.finish(this.#target, this.#account, this.shouldStop ? 'the restore was stopped' : undefined);
  }

  /**
   * One area is filled while each worker has another. Where the plan is large it has the memory of that one, which is
   * not touched then, and filling an area takes a tenth of the time that the work on it does.
   */
  #lanesFor(first: RestoreSlice): number {
    const { areas, pool } = this.#options;
    return first.isSmall ? areas : Math.min(areas, Math.max(2, pool.workers));
  }

  /** Accounts for an item, now or when it is protected. The target's own directory is one when it has something to say. */
  #settle(item: RestoredItem, flags: number | undefined): void {
    if (this.#protected.take(item, flags)) return;
    if (item.path.length > 0 || item.problems.length > 0) this.#account.add(item);
  }

  async #carryOut(slice: RestoreSlice): Promise<void> {
    if (!this.#hasRoom(slice.bytes + slice.bytesToCome)) return;
    await this.#writeContent(slice);
    if (this.shouldStop) return;
    await this.#makeLinks(slice);
    if (this.shouldStop) return;
    await this.#finishDirectories(slice);
    this.#options.onProgress();
  }

  #hasRoom(bytes: number): boolean {
    const free = this.#target.freeBytes();
    if (bytes <= free) return true;
    this.noRoom = { code: 'ENOSPC', reason: `${bytes} bytes are to be written next and ${free} are free` };
    return false;
  }

  async #writeContent(slice: RestoreSlice): Promise<void> {
    const { walk, pool, onProgress } = this.#options;
    const { repository, snapshot } = walk.options;
    const entries = this.#writeEntries(slice);
    entries.catch(() => undefined);
    if (slice.content.blobs.size > 0 || slice.broken.size > 0 || slice.carried !== undefined) {
      const places = new ContentPlaces(
        slice.content,
        await repository.locate(slice.content.blobs, await refsetOrAny(repository, snapshot)),
      );
      const content = this.#sliceContent(slice, places);
      for (const [file, failure] of slice.broken) content.breakFile(file, failure);
      await writeSlice({
        slice: content,
        source: repository,
        pool,
        lanes: this.#lanes,
        shouldStop: () => this.shouldStop,
        onPack: onProgress,
      });
      this.#carried = content.continuedFile;
    } else this.#carried = undefined;
    await entries;
  }

  #sliceContent(slice: RestoreSlice, places: ContentPlaces): SliceContent {
    const carried =
      slice.carried === undefined || this.#carried === undefined
        ? undefined
        : { file: slice.carried, open: this.#carried };
    return new SliceContent({
      files: slice.files,
      content: slice.content,
      places,
      spanning: this.#spanning,
      continued: slice.continued,
      carried,
      onFile: (file, end) => this.#reportFile(slice, file, end),
    });
  }

  #reportFile(slice: RestoreSlice, file: number, end: FileEnd): void {
    const item = { path: pathOf(slice.files, file).slice(), type: NodeType.file, bytes: sizeOf(slice.files, file) };
    if ('problems' in end) {
      this.#settle({ ...item, outcome: 'restored', problems: end.problems }, metadataOf(slice.files, file).flags);
      return;
    }
    this.#account.add({ ...item, outcome: 'failed', reason: reasonOf(end.failure), code: end.failure.code });
    const key = slice.firstNames.get(file);
    if (key !== undefined) this.#options.walk.firstNames.delete(key);
    if (isNoRoom(end.failure)) this.noRoom ??= end.failure;
  }

  /** Files without content, and metadata of those that have theirs already. */
  async #writeEntries(slice: RestoreSlice): Promise<void> {
    await this.#inBatches(slice.entries, slice.files, (file, failure, problems) => {
      if (failure !== undefined) this.#reportFile(slice, file, { failure });
      else if (!hasOption(slice.files, file, FileOption.metadataOnly)) this.#reportFile(slice, file, { problems });
      else {
        const path = pathOf(slice.files, file).slice();
        const item = { path, type: NodeType.file, bytes: sizeOf(slice.files, file), problems };
        this.#settle({ ...item, outcome: 'identical' }, metadataOf(slice.files, file).flags);
      }
    });
  }

  async #inBatches(
    numbers: readonly number[],
    table: FileTable,
    onEnd: (file: number, failure: ItemFailure | undefined, problems: readonly MetadataProblem[]) => void,
  ): Promise<void> {
    const batches: Promise<void>[] = [];
    for (let at = 0; at < numbers.length && !this.shouldStop; at += BATCH) {
      const batch = numbers.slice(at, at + BATCH);
      const files = new FileRows();
      for (const file of batch) files.copy(table, file);
      batches.push(
        this.#options.pool.run({ kind: 'entries', files: files.finish() }).then((written) => {
          batch.forEach((file, row) => onEnd(file, failureIn(written, row), problemsIn(written, row)));
        }),
      );
    }
    await Promise.all(batches);
  }

  async #makeLinks(slice: RestoreSlice): Promise<void> {
    for (const link of slice.links) {
      if (this.shouldStop) return;
      this.#makeLink(link);
    }
    const { walk } = this.#options;
    const copies = new SlicePlanner(walk.options);
    for (const link of slice.hardLinks) {
      const first = walk.firstNames.get(link.key);
      const linked = makeHardLink(this.#target, this.#account, { link, first, overwrite: walk.options.overwrite });
      if (linked) continue;
      if (link.node.type !== NodeType.file) {
        if (this.#makeLink(link)) walk.firstNames.set(link.key, first ?? link.path);
        continue;
      }
      const copy = { path: link.path, node: link.node, replace: link.exists, key: link.key };
      walk.firstNames.set(link.key, first ?? link.path);
      for await (const full of copies.planContent(copy) ?? []) await this.#writeContent(full);
    }
    if (copies.slice.files.count > 0 && this.#hasRoom(copies.slice.bytes)) await this.#writeContent(copies.slice);
  }

  /** Answers whether it was made. */
  #makeLink(link: PlannedLink): boolean {
    const failure = makeLink(this.#target, this.#account, link);
    if (failure === undefined) return true;
    if (link.key !== undefined) this.#options.walk.firstNames.delete(link.key);
    if (isNoRoom(failure)) this.noRoom ??= failure;
    return false;
  }

  /** Directories that are complete: those whose owner keeps access in any order, the others children first. */
  async #finishDirectories({ directories, knownDirectories }: RestoreSlice): Promise<void> {
    const open: number[] = [];
    const closed: number[] = [];
    for (let i = 0; i < directories.count; i++) {
      ((metadataOf(directories, i).mode & OWNER_BITS) === OWNER_BITS ? open : closed).push(i);
    }
    const report = (
      directory: number,
      failure: ItemFailure | undefined,
      problems: readonly MetadataProblem[],
    ): void => {
      const path = pathOf(directories, directory).slice();
      const { flags } = metadataOf(directories, directory);
      const item = { path, type: NodeType.directory, bytes: 0, problems };
      if (failure !== undefined) this.#account.add({ ...item, outcome: 'failed', reason: reasonOf(failure) });
      else this.#settle({ ...item, outcome: knownDirectories.has(directory) ? 'identical' : 'restored' }, flags);
    };
    await this.#inBatches(open, directories, report);
    for (const batch of closed.map((directory) => [directory])) await this.#inBatches(batch, directories, report);
  }

  /** At the very end: what the snapshot does not have goes, and the directories it was in get their times back. */
  async #finishTarget(): Promise<void> {
    const { walk } = this.#options;
    for (const { path } of walk.strangers) {
      if (this.shouldStop) return;
      this.#remove(path);
    }
    await this.#finishDirectories(walk.lateDirectories);
  }

  #remove(path: Uint8Array): void {
    let type: NodeType = NodeType.file;
    try {
      type = this.#target.inspect(path)?.type ?? type;
      this.#target.remove(path);
      this.#account.add({ path, type, outcome: 'deleted' });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#account.add({ path, type, outcome: 'failed', reason: `it cannot be deleted: ${reason}` });
    }
  }
}

function failureIn(written: WrittenFiles, row: number): ItemFailure | undefined {
  return written.states[row] === FileState.done ? undefined : written.failures.find(({ file }) => file === row);
}

function problemsIn(written: WrittenFiles, row: number): readonly MetadataProblem[] {
  return written.problems.length === 0 ? [] : (written.problems.find(({ file }) => file === row)?.problems ?? []);
}

function reasonOf({ code, reason }: ItemFailure): string {
  if (code === 'EEXIST') return 'another name of its directory is the same one to this file system';
  return reason;
}
