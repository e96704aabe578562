/** Makes parity files away from the thread that asks: a pack takes some 20 ms. Small files are done at once. */
import type { MessagePort, Worker } from 'node:worker_threads';
import { CustodyError } from '@keephold/protocol';
import { makeParityFile, type ParityRequest } from './parity-file.ts';

export interface ParityCoder extends AsyncDisposable {
  /** `bytes` are read until the promise settles. */
  make(request: ParityRequest): Promise<Uint8Array>;
}

/** Below it the work is less than starting a thread and carrying bytes there. */
const SMALL = 256 * 1024;

interface Order {
  readonly number: number;
  readonly request: ParityRequest;
}
type Answer = { readonly number: number } & ({ readonly file: Uint8Array } | { readonly error: string });

/** In this thread: for whatever has nothing else to do meanwhile. */
export const directCoder: ParityCoder = {
  make: async (request) => makeParityFile(request),
  [Symbol.asyncDispose]: async () => {},
};

/** One thread, which starts with the first large file: it computes faster than packs are made. */
export function threadedCoder(spawn: () => Promise<Worker>): ParityCoder {
  let thread: Promise<ParityThread> | undefined;
  return {
    make: async (request) => {
      if (request.bytes.length <= SMALL) return makeParityFile(request);
      thread ??= spawn().then((worker) => new ParityThread(worker));
      return await (await thread).make(request);
    },
    [Symbol.asyncDispose]: async () => await (await thread)?.end(),
  };
}

interface Waiting {
  readonly resolve: (file: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

class ParityThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #dead: Error | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (answer: Answer) => this.#answered(answer));
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => this.#fail(undefined));
    worker.unref();
  }

  async make(request: ParityRequest): Promise<Uint8Array> {
    if (this.#dead !== undefined) throw this.#dead;
    const number = this.#next++;
    const { bytes } = request;
    const isShared = bytes.buffer instanceof SharedArrayBuffer;
    const sent: Order = { number, request: isShared ? request : { ...request, bytes: bytes.slice() } };
    return await new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage(sent, isShared ? [] : [sent.request.bytes.buffer as ArrayBuffer]);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.number);
    this.#waiting.delete(answer.number);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('file' in answer) waiting?.resolve(answer.file);
    else waiting?.reject(new CustodyError('unavailable', `compute parity: ${answer.error}`));
  }

  #fail(cause: Error | undefined): void {
    this.#dead ??= new CustodyError('unavailable', 'compute parity: its thread has ended', { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#dead);
    this.#waiting.clear();
  }
}

/** What the thread does. */
export function runParityWorker(port: MessagePort): void {
  port.on('message', ({ number, request }: Order) => {
    try {
      const file = makeParityFile(request);
      port.postMessage({ number, file }, [file.buffer as ArrayBuffer]);
    } catch (error) {
      port.postMessage({ number, error: error instanceof Error ? error.message : String(error) });
    }
  });
}
