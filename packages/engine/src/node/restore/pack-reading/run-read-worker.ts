/**
 * A reading worker thread: opens pages, decompresses, verifies ids, and writes (restore), collects (cat) or only looks
 * (check). The caller's module is the worker's entry and says how a target is made, because the engine may not know.
 */
import type { MessagePort } from 'node:worker_threads';
import { freeBytes } from '@keephold/bytes';
import { type BulkCrypto, createBulkCrypto } from '@keephold/crypto/bulk';
import { copyBytes, nativeLibrary } from '@keephold/ffi';
import type { Target } from '../../../target.ts';
import { verifyPack } from '../../check/verify-pack.ts';
import { createZstd } from '../../zstd.ts';
import { FileWriter } from '../file-writer.ts';
import { failureOf } from '../item-failure.ts';
import { FrameReader } from './frame-reader.ts';
import type { BlobSink, FetchedPack } from './pack-request.ts';
import { placeBlobs } from './place-blobs.ts';
import { pagesOfArea, readArea } from './read-areas.ts';
import type {
  FromReadWorker,
  PackFindings,
  ReadTask,
  ReadWorkerSetup,
  TaskResults,
  ToReadWorker,
  VerifyPack,
} from './read-messages.ts';

export interface ReadWorkerOptions<Config> {
  createTarget(config: Config): Target;
}

/** Serves one restore, check or cat over `port` until it says stop. */
export function runReadWorker<Config>(port: MessagePort, options: ReadWorkerOptions<Config>): void {
  let worker: ReadWorker | undefined;
  port.on('message', (message: ToReadWorker) => {
    const id = message.kind === 'task' ? message.id : undefined;
    try {
      if (message.kind === 'setup') worker = new ReadWorker(message, targetOf(message, options));
      else if (message.kind === 'stop') {
        worker?.close();
        port.close();
      } else if (worker !== undefined) {
        port.postMessage({ kind: 'done', id: message.id, result: worker.run(message.task) } satisfies FromReadWorker);
      }
    } catch (cause) {
      const { code, reason } = failureOf(cause);
      const stack = cause instanceof Error ? cause.stack : undefined;
      port.postMessage({ kind: 'failed', id, message: reason, code, stack } satisfies FromReadWorker);
    }
  });
}

function targetOf<Config>(setup: ReadWorkerSetup, options: ReadWorkerOptions<Config>): Target | undefined {
  return setup.target === undefined ? undefined : options.createTarget(setup.target as Config);
}

class ReadWorker {
  readonly #bulk: BulkCrypto;
  readonly #reader: FrameReader;
  readonly #areas: SharedArrayBuffer;
  readonly #target: Target | undefined;

  constructor(setup: ReadWorkerSetup, target: Target | undefined) {
    const native = setup.native ? nativeLibrary() : undefined;
    this.#bulk = createBulkCrypto({ idKey: setup.idKey, native });
    this.#reader = new FrameReader(this.#bulk, createZstd(native));
    this.#areas = setup.areas;
    this.#target = target;
  }

  run(task: ReadTask): TaskResults[keyof TaskResults] {
    switch (task.kind) {
      case 'write': {
        const writer = new FileWriter(this.#requireTarget(), task.files);
        this.#start(task.pack);
        const bad = placeBlobs(task.request, this.#reader, this.#bulk, writer);
        return { ...writer.result(), bad };
      }
      case 'entries': {
        const writer = new FileWriter(this.#requireTarget(), task.files);
        writer.finishEmpty();
        return writer.result();
      }
      case 'collect':
        this.#start(task.pack);
        return { bad: placeBlobs(task.request, this.#reader, this.#bulk, collector(readArea(this.#areas, task.into))) };
      case 'verify':
        return this.#verify(task);
    }
  }

  #verify({ pack, packKind, contents }: VerifyPack): PackFindings {
    this.#start(pack);
    const { pageCount } = pack;
    const found = verifyPack({ kind: packKind, contents, pageCount, reader: this.#reader, bulk: this.#bulk });
    // This thread's copy.
    freeBytes(contents.blobs);
    return found;
  }

  close(): void {
    this.#target?.close();
  }

  #start(pack: FetchedPack): void {
    this.#reader.start(pagesOfArea(readArea(this.#areas, pack.area), pack.pageCount), pack.key);
  }

  #requireTarget(): Target {
    if (this.#target === undefined) throw new Error('restore: this worker was set up without a target');
    return this.#target;
  }
}

function collector(into: Uint8Array): BlobSink {
  return {
    put: (_file, offset, bytes) => {
      let at = offset;
      for (const piece of bytes) {
        copyBytes(into.subarray(at), piece);
        at += piece.length;
      }
    },
    spoil: () => undefined,
  };
}
