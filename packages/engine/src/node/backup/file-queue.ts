/**
 * Gathers files in walk order into batches for the workers and hands each result back to whoever queued the file. Files
 * that a worker wants cut into small pieces come back and go out again in segments, to all workers at once.
 */
import { STAT_ROW_WORDS, sizeOf } from '../../source.ts';
import { type FileResult, FileResultReader } from './file-results.ts';
import { SpreadFile } from './spread-file.ts';
import type { WorkerPool } from './worker-pool.ts';

const BATCH_FILES = 128;
const BATCH_BYTES: number = 4 * 1024 * 1024;
const STAT_WORDS_PER_BATCH: number = BATCH_FILES * STAT_ROW_WORDS;

type OnResult = (result: FileResult) => void;

export class FileQueue {
  readonly #pool: () => WorkerPool;
  #paths: Uint8Array[] = [];
  #stats = new Uint32Array(STAT_WORDS_PER_BATCH);
  #handlers: OnResult[] = [];
  #bytes = 0;
  #spreading: SpreadFile[] = [];

  /** The pool is started at the first batch. */
  constructor(pool: () => WorkerPool) {
    this.#pool = pool;
  }

  /** Queues a file; `stats` holds its row at word `at`. */
  add(path: Uint8Array, stats: Uint32Array, at: number, onResult: OnResult): void {
    const row = stats.subarray(at, at + STAT_ROW_WORDS);
    const size = sizeOf(row, 0);
    if (this.#handlers.length > 0 && this.#bytes + size > BATCH_BYTES) this.flush();
    if (this.#handlers.length === 0) this.#pool().expectWork();
    this.#paths.push(path);
    this.#stats.set(row, this.#handlers.length * STAT_ROW_WORDS);
    this.#handlers.push(onResult);
    this.#bytes += size;
    if (this.#handlers.length === BATCH_FILES || this.#bytes >= BATCH_BYTES) this.flush();
  }

  /** Whether parts of long files wait for a worker. */
  get hasWaiting(): boolean {
    return this.#spreading.some((file) => !file.isGivenOut);
  }

  /** Gives out parts of long files while workers have room and `mayGive` says so. */
  pump(mayGive: () => boolean): void {
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

  /** Leaves out what waits, because the run ends. */
  giveUp(): void {
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
    this.#pool().give({ kind: 'batch', paths, stats, count }, (results) =>
      this.#deliver(results, paths, stats, handlers),
    );
  }

  #deliver(results: Uint8Array, paths: Uint8Array, stats: Uint32Array, handlers: readonly OnResult[]): void {
    const reader = new FileResultReader(results);
    let from = 0;
    handlers.forEach((handler, i) => {
      const end = paths.indexOf(0, from) + 1;
      const result = reader.next();
      if (result.outcome !== 'segments') handler(result);
      else {
        const row = result.changedRow ?? stats.slice(i * STAT_ROW_WORDS, (i + 1) * STAT_ROW_WORDS);
        this.#spread(new SpreadFile({ path: paths.slice(from, end), stats: row, first: result, onResult: handler }));
      }
      from = end;
    });
  }

  #spread(file: SpreadFile): void {
    // Its first turn may have been all of it: it has become shorter meanwhile.
    if (file.isGivenOut) file.finish();
    else this.#spreading.push(file);
  }
}

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
