/**
 * Gathers files in walk order into batches for the workers and hands each result back to whoever queued the file. Files
 * that a worker wants cut into fixed pieces come back and go out again in segments, to all workers at once.
 */
import { concatBytes } from '@keephold/bytes';
import { STAT_ROW_WORDS, sizeOf } from '../../source.ts';
import { SEGMENT_BYTES } from './file-contents.ts';
import { type FileResult, FileResultReader } from './file-results.ts';
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

  /** The pool is started at the first batch. */
  constructor(pool: () => WorkerPool) {
    this.#pool = pool;
  }

  /** Queues a file; `stats` holds its row at word `at`. */
  add(path: Uint8Array, stats: Uint32Array, at: number, onResult: OnResult): void {
    const row = stats.subarray(at, at + STAT_ROW_WORDS);
    const size = sizeOf(row, 0);
    if (this.#handlers.length > 0 && this.#bytes + size > BATCH_BYTES) this.flush();
    this.#paths.push(path);
    this.#stats.set(row, this.#handlers.length * STAT_ROW_WORDS);
    this.#handlers.push(onResult);
    this.#bytes += size;
    if (this.#handlers.length === BATCH_FILES || this.#bytes >= BATCH_BYTES) this.flush();
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
    this.#pool().give({ kind: 'batch', paths, stats, count }, (results) => this.#deliver(results, paths, stats, handlers));
  }

  #deliver(results: Uint8Array, paths: Uint8Array, stats: Uint32Array, handlers: readonly OnResult[]): void {
    const reader = new FileResultReader(results);
    let from = 0;
    handlers.forEach((handler, i) => {
      const end = paths.indexOf(0, from) + 1;
      const result = reader.next();
      if (result.outcome !== 'segments') handler(result);
      else this.#sendSegments(paths.slice(from, end), result.changedRow ?? stats.slice(i * STAT_ROW_WORDS, (i + 1) * STAT_ROW_WORDS), result, handler);
      from = end;
    });
  }

  #sendSegments(path: Uint8Array, stats: Uint32Array, first: FileResult, handler: OnResult): void {
    const size = sizeOf(stats, 0);
    const parts: FileResult[] = [first];
    let missing = Math.ceil(size / SEGMENT_BYTES) - 1;
    for (let i = 1; i * SEGMENT_BYTES < size; i++) {
      const to = Math.min(size, (i + 1) * SEGMENT_BYTES);
      const segment = { kind: 'segment', path, stats, pieceBytes: first.pieceBytes, from: i * SEGMENT_BYTES, to } as const;
      this.#pool().give(segment, (results) => {
        parts[i] = new FileResultReader(results).next();
        if (--missing === 0) handler(joinSegments(parts));
      });
    }
  }
}

/** One result of a file that was read in segments: the worst of what happened to any of them. */
function joinSegments(parts: readonly FileResult[]): FileResult {
  const bad = parts.find((part) => part.outcome === 'failed' || part.outcome === 'gone');
  if (bad !== undefined) return bad;
  const first = parts[0]!;
  const live = parts.some((part) => part.live);
  const changedRow = live ? withReadSize(parts) : first.changedRow;
  return {
    outcome: 'read',
    errorCode: '',
    changedRow,
    live,
    parts: concatBytes(...parts.map((part) => part.parts)),
    places: [...new Set(parts.flatMap((part) => part.places))],
    holes: first.holes,
    pieceBytes: 0,
  };
}

/** A file that changed between its segments has the length of what was read of it. */
function withReadSize(parts: readonly FileResult[]): Uint32Array | undefined {
  const row = parts.findLast((part) => part.changedRow !== undefined)?.changedRow?.slice();
  if (row === undefined) return undefined;
  let size = 0;
  for (const part of parts) {
    const view = new DataView(part.parts.buffer, part.parts.byteOffset, part.parts.length);
    for (let at = 32; at < part.parts.length; at += 36) size += view.getUint32(at, true);
  }
  row[8] = size % 0x1_0000_0000;
  row[9] = Math.floor(size / 0x1_0000_0000);
  return row;
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

