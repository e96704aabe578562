/**
 * The reading workers and the areas they share with the main thread. A task goes to the worker with the least to do;
 * areas bound what is in memory: whoever wants one waits until another is given back.
 */
import type { Worker } from 'node:worker_threads';
import { EngineError } from '../../../errors.ts';
import { packAreaBytes } from '../../packing/pack-builder.ts';
import { createReadAreas, readArea } from './read-areas.ts';
import type { FromReadWorker, ReadTask, TaskResults, ToReadWorker } from './read-messages.ts';

export interface ReadPoolOptions {
  readonly spawnWorker: () => Worker;
  readonly workers: number;
  readonly areas: number;
  readonly idKey: Uint8Array;
  /** Plain data for the workers' createTarget; undefined when nothing is written. */
  readonly target?: unknown;
  readonly native?: boolean | undefined;
}

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (cause: unknown) => void;
}

interface PoolWorker {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

/** What a job uses besides its areas, roughly. */
const OTHER_BYTES: number = 160 * 1024 * 1024;
const MAX_AREAS = 8;

/** How many areas a job takes that would like so many; fewer when there is little memory. */
export function areasWithin(memory: number | undefined, wanted: number): number {
  const fitting = memory === undefined ? MAX_AREAS : Math.floor((memory - OTHER_BYTES) / packAreaBytes(1));
  return Math.max(1, Math.min(MAX_AREAS, wanted, fitting));
}

export class ReadPool {
  readonly #memory: SharedArrayBuffer;
  readonly #workers: readonly PoolWorker[];
  readonly #free: number[];
  readonly #wanting: ((area: number) => void)[] = [];
  #nextId = 0;
  #failure: unknown;
  #closing = false;

  constructor(options: ReadPoolOptions) {
    this.#memory = createReadAreas(options.areas);
    this.#free = Array.from({ length: options.areas }, (_, i) => options.areas - 1 - i);
    this.#workers = Array.from({ length: options.workers }, () => this.#start(options));
  }

  get workers(): number {
    return this.#workers.length;
  }

  area(index: number): Uint8Array {
    return readArea(this.#memory, index);
  }

  async takeArea(): Promise<number> {
    const area = this.#free.pop();
    if (area !== undefined) return area;
    return await new Promise((resolve) => this.#wanting.push(resolve));
  }

  releaseArea(area: number): void {
    const next = this.#wanting.shift();
    if (next === undefined) this.#free.push(area);
    else next(area);
  }

  /** @throws whatever the worker failed with; expected damage is part of the result. */
  async run<Task extends ReadTask>(task: Task): Promise<TaskResults[Task['kind']]> {
    if (this.#failure !== undefined) throw this.#failure;
    const chosen = this.#workers.reduce((least, worker) => (worker.waiting.size < least.waiting.size ? worker : least));
    const id = this.#nextId++;
    return await new Promise((resolve, reject) => {
      chosen.waiting.set(id, { resolve, reject });
      chosen.worker.postMessage({ kind: 'task', id, task } satisfies ToReadWorker, transferable(task));
    });
  }

  /** Lets the workers close their targets and end. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(
      this.#workers.map(async ({ worker }) => {
        // It has no number once it has ended.
        if (worker.threadId === -1) return;
        const ended = new Promise((resolve) => worker.once('exit', resolve));
        worker.postMessage({ kind: 'stop' } satisfies ToReadWorker);
        await ended;
      }),
    );
  }

  #start(options: ReadPoolOptions): PoolWorker {
    const worker = options.spawnWorker();
    const started: PoolWorker = { worker, waiting: new Map() };
    worker.on('message', (message: FromReadWorker) => this.#receive(started, message));
    worker.on('error', (cause) => this.#fail(cause));
    worker.on('exit', (code) => {
      if (!this.#closing) this.#fail(new EngineError('refused', `read packs: a worker thread ended with ${code}`));
    });
    worker.postMessage({
      kind: 'setup',
      idKey: options.idKey,
      areas: this.#memory,
      native: options.native ?? true,
      target: options.target,
    } satisfies ToReadWorker);
    return started;
  }

  #receive({ waiting }: PoolWorker, message: FromReadWorker): void {
    if (message.id === undefined) {
      this.#fail(failureFrom(message as FromReadWorker & { kind: 'failed' }));
      return;
    }
    const task = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.kind === 'done') task?.resolve(message.result as never);
    else task?.reject(failureFrom(message));
  }

  #fail(cause: unknown): void {
    this.#failure ??= cause;
    for (const { waiting } of this.#workers ?? []) {
      for (const task of waiting.values()) task.reject(this.#failure);
      waiting.clear();
    }
  }
}

function failureFrom(message: FromReadWorker & { kind: 'failed' }): Error {
  const cause = new Error(message.message);
  if (message.stack !== undefined) cause.stack = message.stack;
  return new EngineError('refused', `read packs: a worker thread failed: ${message.message}`, { cause });
}

function transferable(task: ReadTask): ArrayBuffer[] {
  const buffers: ArrayBufferLike[] = [];
  if (task.kind === 'write' || task.kind === 'entries') buffers.push(task.files.rows.buffer, task.files.paths.buffer);
  if (task.kind === 'write' || task.kind === 'collect') {
    const { frames, blobs, ids, places } = task.request;
    buffers.push(frames.buffer, blobs.buffer, ids.buffer, places.buffer);
  }
  if (task.kind === 'verify') buffers.push(task.contents.frames.buffer, task.contents.blobs.buffer);
  return buffers.filter((buffer) => buffer instanceof ArrayBuffer);
}
