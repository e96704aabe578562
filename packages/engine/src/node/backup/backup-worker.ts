/**
 * A backup worker thread: everything that touches file bytes. Reads synchronously into memory that the chunker and the
 * packer work on in place; a file costs no message and no allocation of its own.
 */
import type { MessagePort } from 'node:worker_threads';
import { createBulkCrypto } from '@keephold/crypto/bulk';
import { nativeLibrary } from '@keephold/ffi';
import { EngineError } from '../../errors.ts';
import { BlobKind } from '../../pack-contents.ts';
import { type ContentReader, STAT_ROW_WORDS } from '../../source.ts';
import { KnownBlobs } from '../known-blobs/known-blobs.ts';
import { AreaPool } from '../packing/area-pool.ts';
import { FramePacker } from '../packing/frame-packer.ts';
import type { PackIdentity } from '../packing/pack-builder.ts';
import { createZstd } from '../zstd.ts';
import { BlobStore } from './blob-store.ts';
import { FileContents } from './file-contents.ts';
import { FileResultWriter } from './file-results.ts';
import {
  type FileBatch,
  type FileSegment,
  type FromWorker,
  type ToWorker,
  transfersOf,
  type WorkerSetup,
} from './messages.ts';

export interface BackupWorkerTools {
  readonly reader: ContentReader;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Serves one backup run over `port`; the caller's module is the worker's entry. */
export function runBackupWorker(port: MessagePort, tools: BackupWorkerTools): void {
  let worker: BackupWorker | undefined;
  port.on('message', (message: ToWorker) => {
    try {
      if (message.kind === 'setup') {
        worker = new BackupWorker(message, tools, (answer) => port.postMessage(answer, transfersOf(answer)));
        port.postMessage({ kind: 'ready' } satisfies FromWorker);
      } else if (message.kind === 'stop') port.close();
      else worker?.handle(message);
    } catch (cause) {
      port.postMessage(failure(cause));
    }
  });
}

function failure(cause: unknown): FromWorker {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  return {
    kind: 'failed',
    code: error instanceof EngineError ? error.code : 'refused',
    message: error.message,
    stack: error.stack,
  };
}

class BackupWorker {
  readonly #answer: (message: FromWorker) => void;
  readonly #packer: FramePacker;
  readonly #areas: AreaPool;
  readonly #store: BlobStore;
  readonly #contents: FileContents;
  readonly #results = new FileResultWriter();
  readonly #counters: Float64Array;
  #identity: PackIdentity;
  #settling = false;

  constructor(setup: WorkerSetup, tools: BackupWorkerTools, answer: (message: FromWorker) => void) {
    const native = setup.native ? nativeLibrary() : undefined;
    const bulk = createBulkCrypto({ idKey: setup.idKey, native });
    const areas = new AreaPool(setup.areas);
    this.#answer = answer;
    this.#areas = areas;
    this.#identity = setup.identity;
    this.#counters = new Float64Array(setup.counters);
    this.#packer = new FramePacker({
      kind: 1,
      bulk,
      zstd: createZstd(native),
      level: setup.level,
      identity: () => this.#identity,
      random: (length) => crypto.getRandomValues(new Uint8Array(length)),
      takeArea: () => areas.take(),
      tryTakeArea: () => areas.tryTake(),
      onPack: (pack, area) => answer({ kind: 'pack', area: areas.indexOf(area), pack }),
    });
    this.#store = new BlobStore({
      bulk,
      packer: this.#packer,
      known: new KnownBlobs(setup.known),
      kind: BlobKind.data,
    });
    this.#contents = new FileContents({
      ...tools,
      store: this.#store,
      gearTable: setup.gearTable,
      counters: this.#counters,
      stop: new Int32Array(setup.stop),
    });
  }

  handle(message: Exclude<ToWorker, { kind: 'setup' | 'stop' }>): void {
    this.#handle(message);
    if (this.#settling) return;
    // Messages that wait come first: with them there are blobs to name the pack beside.
    this.#settling = true;
    setImmediate(() => {
      this.#settling = false;
      this.#packer.settle();
    });
  }

  #handle(message: Exclude<ToWorker, { kind: 'setup' | 'stop' }>): void {
    switch (message.kind) {
      case 'batch':
        return this.#batch(message);
      case 'segment':
        return this.#segment(message);
      case 'release':
        return this.#answer({ kind: 'released', open: this.#packer.releaseOpen() });
      case 'finish':
        for (const open of message.open) {
          this.#packer.takeOver(open);
          this.#areas.release(this.#areas.indexOf(open.area));
        }
        this.#packer.finish();
        return this.#answer({ kind: 'finished' });
      case 'renew':
        this.#identity = message.identity;
        this.#store.renew(new KnownBlobs(message.known));
        this.#contents.renew();
        return;
    }
  }

  #batch(batch: FileBatch): void {
    let from = 0;
    for (let i = 0; i < batch.count; i++) {
      const end = batch.paths.indexOf(0, from) + 1;
      const row = batch.stats.subarray(i * STAT_ROW_WORDS, (i + 1) * STAT_ROW_WORDS);
      const path = batch.paths.subarray(from, end);
      this.#contents.capture(path, { row, asItLies: batch.asTheyLie }, this.#results);
      this.#counters[2]!++;
      this.#counters[1] = this.#packer.storedBytes;
      from = end;
    }
    this.#answer({ kind: 'done', id: batch.id, results: this.#results.finish() });
  }

  #segment(segment: FileSegment): void {
    this.#contents.captureSegment(segment, this.#results);
    this.#counters[1] = this.#packer.storedBytes;
    this.#answer({ kind: 'done', id: segment.id, results: this.#results.finish() });
  }
}
