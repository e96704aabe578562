/**
 * Gathers files in walk order into batches for the workers and hands each result back to whoever queued the file. Files
 * that a worker wants cut into small pieces come back and go out again in segments, to all workers at once; databases
 * in use come back and go out again as copies.
 */
import { type DatabaseCopy, STAT_ROW_WORDS, sizeOf } from '../../source.ts';
import type { DatabaseQueue } from './database-queue.ts';
import { type FileResult, FileResultReader, nothingRead } from './file-results.ts';
import { SpreadFile } from './spread-file.ts';
import type { WorkerPool } from './worker-pool.ts';

const BATCH_FILES = 128;
const BATCH_BYTES: number = 4 * 1024 * 1024;
const STAT_WORDS_PER_BATCH: number = BATCH_FILES * STAT_ROW_WORDS;
/** A long file that changed is read again, unless it is as long as this: a running virtual machine never holds still. */
const LONGEST_READ_AGAIN: number = 1024 * 1024 * 1024;

type OnResult = (result: FileResult) => void;

/** A file that goes out alone. */
interface SingleFile {
  /** Without NUL. */
  readonly path: Uint8Array;
  readonly row: Uint32Array;
  readonly onResult: OnResult;
  readonly asItLies: boolean;
  readonly mayReadAgain: boolean;
}

interface GivenBatch {
  readonly paths: Uint8Array;
  readonly stats: Uint32Array;
  readonly handlers: readonly OnResult[];
  readonly asTheyLie: boolean;
}

export class FileQueue {
  readonly #pool: () => WorkerPool;
  readonly #databases: DatabaseQueue | undefined;
  #paths: Uint8Array[] = [];
  #stats = new Uint32Array(STAT_WORDS_PER_BATCH);
  #handlers: OnResult[] = [];
  #bytes = 0;
  /** Of the batch that is gathered. */
  #areFrozen = false;
  #spreading: SpreadFile[] = [];
  readonly #later: SingleFile[] = [];

  /** The pool is started at the first batch. Without `databases` all are read as they lie. */
  constructor(pool: () => WorkerPool, databases: DatabaseQueue | undefined) {
    this.#pool = pool;
    this.#databases = databases;
  }

  /** Queues a file; `stats` holds its row at word `at`. */
  add(path: Uint8Array, stats: Uint32Array, at: number, onResult: OnResult): void {
    if (this.#areFrozen) this.flush();
    this.#areFrozen = false;
    this.#gather(path, stats.subarray(at, at + STAT_ROW_WORDS), onResult);
  }

  /** The same for a file in which nothing changes: a database too is read as it lies. */
  addFrozen(path: Uint8Array, stats: Uint32Array, at: number, onResult: OnResult): void {
    if (!this.#areFrozen) this.flush();
    this.#areFrozen = true;
    this.#gather(path, stats.subarray(at, at + STAT_ROW_WORDS), onResult);
  }

  #gather(path: Uint8Array, row: Uint32Array, onResult: OnResult): void {
    const size = sizeOf(row, 0);
    if (this.#handlers.length > 0 && this.#bytes + size > BATCH_BYTES) this.flush();
    if (this.#handlers.length === 0) this.#pool().expectWork();
    this.#paths.push(path);
    this.#stats.set(row, this.#handlers.length * STAT_ROW_WORDS);
    this.#handlers.push(onResult);
    this.#bytes += size;
    if (this.#handlers.length === BATCH_FILES || this.#bytes >= BATCH_BYTES) this.flush();
  }

  /** Queues a file that may be a database in use: to be copied first, or read as it lies where that cannot be. */
  addDatabase(path: Uint8Array, row: Uint32Array, onResult: OnResult): void {
    const databases = this.#databases;
    if (databases === undefined) return this.addAsItLies(path, row, onResult);
    databases.add({ path, row, onAnswer: (copy) => this.#onCopied(copy, { path, row, onResult }) });
  }

  /** Queues a file to be read as it lies, whatever it is and whenever there is room. */
  addAsItLies(path: Uint8Array, row: Uint32Array, onResult: OnResult): void {
    this.#later.push({ path, row, onResult, asItLies: true, mayReadAgain: true });
  }

  /** Whether parts of long files, or databases, wait for a worker. */
  get hasWaiting(): boolean {
    return (
      this.#later.length > 0 || this.#databases?.hasWork === true || this.#spreading.some((file) => !file.isGivenOut)
    );
  }

  /** Gives out what waits while workers have room and `mayGive` says so. */
  pump(mayGive: () => boolean): void {
    this.#databases?.pump();
    while (this.#later.length > 0 && this.#pool().hasRoom && mayGive()) this.#giveAlone(this.#later.shift()!);
    for (
      let file = this.#nextSpread();
      file !== undefined && this.#pool().hasRoom && mayGive();
      file = this.#nextSpread()
    ) {
      const { segment, done } = file.take();
      this.#pool().give(segment, (results) => {
        done(new FileResultReader(results).next());
      });
    }
  }

  /** Resolves when a database was copied; at once when none is being copied. */
  async databaseCopied(): Promise<void> {
    await this.#databases?.change();
  }

  /** Leaves out what waits, because the run ends. */
  giveUp(): void {
    this.#databases?.giveUp();
    for (const { onResult } of this.#later.splice(0)) onResult(GONE);
    for (const file of this.#spreading.splice(0)) file.giveUp();
  }

  #nextSpread(): SpreadFile | undefined {
    this.#spreading = this.#spreading.filter((file) => !file.isGivenOut || file.isBusy);
    // One turn after the other takes longest: begun last, it would keep one worker busy while the rest have nothing.
    const ready = this.#spreading.filter((file) => file.canGoOn);
    return ready.find((file) => file.isSequential) ?? ready[0];
  }

  /** Sends what was gathered. */
  flush(): void {
    const count = this.#handlers.length;
    if (count === 0) return;
    const paths = joinWithNul(this.#paths);
    const stats = this.#stats.slice(0, count * STAT_ROW_WORDS);
    const handlers = this.#handlers;
    this.#paths = [];
    this.#handlers = [];
    this.#bytes = 0;
    const asTheyLie = this.#areFrozen || this.#databases === undefined;
    this.#pool().give({ kind: 'batch', paths, stats, count, asTheyLie }, (results) =>
      this.#deliver(results, { paths, stats, handlers, asTheyLie }),
    );
  }

  #giveAlone(file: SingleFile): void {
    const { row, asItLies: asTheyLie } = file;
    this.#pool().give({ kind: 'batch', paths: joinWithNul([file.path]), stats: row, count: 1, asTheyLie }, (results) =>
      this.#deliverOne(new FileResultReader(results).next(), file),
    );
  }

  #deliver(results: Uint8Array, { paths, stats, handlers, asTheyLie }: GivenBatch): void {
    const reader = new FileResultReader(results);
    let from = 0;
    handlers.forEach((handler, i) => {
      const end = paths.indexOf(0, from) + 1;
      const result = reader.next();
      if (result.outcome === 'read') handler(result);
      else {
        const row = stats.slice(i * STAT_ROW_WORDS, (i + 1) * STAT_ROW_WORDS);
        const path = paths.slice(from, end - 1);
        const file = { path, row, onResult: handler, asItLies: asTheyLie, mayReadAgain: true };
        this.#deliverOne(result, file);
      }
      from = end;
    });
  }

  #deliverOne(result: FileResult, file: SingleFile): void {
    if (result.outcome === 'in-use') return this.#addInUse(file, result.live);
    if (result.outcome !== 'segments') return file.onResult(result);
    const spread = new SpreadFile({
      path: joinWithNul([file.path]),
      stats: result.changedRow ?? file.row,
      first: result,
      onResult: (joined) => this.#spreadRead(joined, file),
    });
    // Its first turn may have been all of it: it has become shorter meanwhile.
    if (spread.isGivenOut) spread.finish();
    else this.#spreading.push(spread);
  }

  /** `isPart`: what is not in the file was not listed beside it, and is lost without a copy. */
  #addInUse({ path, row, onResult }: SingleFile, isPart: boolean): void {
    this.addDatabase(path, row, (result) =>
      onResult(isPart && result.outcome === 'read' && result.isCopy !== true ? { ...result, live: true } : result),
    );
  }

  /** A long file that changed between its parts is a database in use, or read again once. */
  #spreadRead(joined: FileResult, file: SingleFile): void {
    if (!joined.live) return file.onResult(joined);
    if (joined.isDatabase && !file.asItLies) return this.addDatabase(file.path, file.row, file.onResult);
    const row = joined.changedRow;
    if (!file.mayReadAgain || row === undefined || sizeOf(row, 0) > LONGEST_READ_AGAIN) return file.onResult(joined);
    this.#later.push({ ...file, row, mayReadAgain: false });
  }

  #onCopied(
    copy: DatabaseCopy | undefined,
    { path, row, onResult }: { readonly path: Uint8Array; readonly row: Uint32Array; readonly onResult: OnResult },
  ): void {
    if (copy === undefined) return onResult(GONE);
    if (copy.kind === 'not-copied') {
      const notCopied = copy.reason;
      return this.addAsItLies(path, row, (result) => onResult({ ...result, notCopied }));
    }
    this.addAsItLies(copy.path, copy.stats, (result) => {
      copy.remove();
      if (result.outcome === 'read' && !result.live) return onResult({ ...result, isCopy: true });
      const notCopied = `its copy could not be read (${result.errorCode || result.outcome})`;
      this.addAsItLies(path, row, (instead) => onResult({ ...instead, notCopied }));
    });
  }
}

const GONE: FileResult = { outcome: 'gone', errorCode: '', ...nothingRead };

function joinWithNul(paths: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const path of paths) length += path.length + 1;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const path of paths) {
    joined.set(path, at);
    at += path.length + 1;
  }
  return joined;
}
