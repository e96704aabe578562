/**
 * The backup workers as seen from the main thread: keeps each busy with a few batches, hears their packs, and brings
 * all to rest for a commit. A thread costs a tenth of a second of CPU to start: the first starts when there is a file to
 * read, each further one when much is waiting for all others.
 */
import type { Worker } from 'node:worker_threads';
import { EngineError } from '../../errors.ts';
import type { SealedPack } from '../packing/pack-builder.ts';
import {
  type FileBatch,
  type FileSegment,
  type FromWorker,
  type ToWorker,
  transfersOf,
  type WorkerSetup,
} from './messages.ts';

/** Batches given to a worker beyond the one it works on, so that it never waits for the main thread. */
const QUEUED_PER_WORKER = 3;
/** Batches that wait for each worker before another starts: more work than starting one is. */
const WAITING_BEFORE_START = 8;

export type WorkItem = Omit<FileBatch, 'id'> | Omit<FileSegment, 'id'>;

export interface WorkerPoolOptions {
  /** `others`: how many there are already. */
  readonly spawn: (others: number) => Worker;
  /** At most. */
  readonly workers: number;
  readonly setup: Omit<WorkerSetup, 'kind' | 'counters' | 'stop'>;
  readonly onPack: (pack: SealedPack, area: number) => void;
}

interface Member {
  readonly worker: Worker;
  readonly counters: Float64Array;
  outstanding: number;
}

export class WorkerPool {
  readonly #members: Member[] = [];
  readonly #options: WorkerPoolOptions;
  readonly #done = new Map<number, (results: Uint8Array) => void>();
  readonly #waiting: (() => void)[] = [];
  #answers: ((message: FromWorker) => void)[] = [];
  readonly #stop = new SharedArrayBuffer(4);
  /** What a worker that starts now is told. */
  #setup: WorkerPoolOptions['setup'];
  #nextId = 0;
  #failure: Error | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#setup = options.setup;
  }

  /** Starts a worker if there is none: some work will be given soon. */
  expectWork(): void {
    if (this.#members.length === 0) this.#start();
  }

  /** Bytes read and stored by all workers so far. */
  get progress(): { readonly bytesRead: number; readonly bytesStored: number } {
    let bytesRead = 0;
    let bytesStored = 0;
    for (const { counters } of this.#members) {
      bytesRead += counters[0]!;
      bytesStored += counters[1]!;
    }
    return { bytesRead, bytesStored };
  }

  get hasRoom(): boolean {
    return this.#canStart || this.#members.some((member) => member.outstanding <= QUEUED_PER_WORKER);
  }

  get isIdle(): boolean {
    return this.#done.size === 0;
  }

  /** Gives work to the least busy worker. `done` is called with its results. */
  give(item: WorkItem, done: (results: Uint8Array) => void): void {
    this.check();
    const member = this.#leastBusy();
    const id = this.#nextId++;
    this.#done.set(id, done);
    member.outstanding++;
    this.#post(member, { ...item, id } as FileBatch | FileSegment);
  }

  #leastBusy(): Member {
    const least = (): Member | undefined => this.#members.toSorted((a, b) => a.outstanding - b.outstanding)[0];
    if ((least()?.outstanding ?? WAITING_BEFORE_START) >= WAITING_BEFORE_START && this.#canStart) this.#start();
    return least()!;
  }

  get #canStart(): boolean {
    return this.#members.length < this.#options.workers;
  }

  /** Resolves when something changed: a result came, or a worker failed. */
  async change(): Promise<void> {
    this.check();
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.check();
  }

  /** Lets everyone who waits for a change look again. */
  wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Makes workers leave out files they have not begun and end those in hand. */
  hurry(): void {
    Atomics.store(new Int32Array(this.#stop), 0, 1);
  }

  /** Resolves when no work is left. */
  async idle(): Promise<void> {
    while (!this.isIdle) await this.change();
  }

  /**
   * Brings all open packs together in one worker, which goes on with its own, and seals them: at most one short pack.
   * Workers must be idle. With 'nothing' to follow the others end first: the memory they hold is what sealing takes.
   */
  async finish(next: 'more' | 'nothing'): Promise<void> {
    const [last, ...others] = this.#members;
    const released = await this.#ask({ kind: 'release' }, others);
    const open = released.flatMap((answer) =>
      answer.kind === 'released' && answer.open !== undefined ? [answer.open] : [],
    );
    if (next === 'nothing') await Promise.all(others.map(({ worker }) => worker.terminate()));
    await this.#ask({ kind: 'finish', open }, last === undefined ? [] : [last]);
  }

  renew(message: Extract<ToWorker, { kind: 'renew' }>): void {
    const { known, identity } = message;
    this.#setup = { ...this.#setup, known, identity };
    for (const member of this.#members) this.#post(member, message);
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }

  /** Throws what a worker failed with. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #start(): void {
    const counters = new SharedArrayBuffer(24);
    const worker = this.#options.spawn(this.#members.length);
    const member: Member = { worker, counters: new Float64Array(counters), outstanding: 0 };
    member.worker.on('message', (message: FromWorker) => this.#hear(member, message));
    member.worker.on('error', (cause) =>
      this.#fail(new EngineError('refused', `backup worker: ${cause.message}`, { cause })),
    );
    this.#post(member, { kind: 'setup', ...this.#setup, counters, stop: this.#stop });
    this.#members.push(member);
  }

  #post(member: Member, message: ToWorker): void {
    member.worker.postMessage(message, transfersOf(message));
  }

  #hear(member: Member, message: FromWorker): void {
    switch (message.kind) {
      case 'done': {
        member.outstanding--;
        const done = this.#done.get(message.id);
        this.#done.delete(message.id);
        this.#guarded(() => done?.(message.results));
        break;
      }
      case 'pack':
        this.#guarded(() => this.#options.onPack(message.pack, message.area));
        break;
      case 'failed':
        this.#fail(new EngineError(message.code, `backup worker: ${message.message}`, { cause: message.stack }));
        break;
      case 'released':
      case 'finished':
        for (const answer of this.#answers) answer(message);
        break;
      case 'ready':
        break;
    }
    this.wake();
  }

  #guarded(action: () => void): void {
    try {
      action();
    } catch (cause) {
      this.#fail(cause instanceof Error ? cause : new Error(String(cause)));
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.wake();
  }

  async #ask(message: ToWorker, members: readonly Member[]): Promise<readonly FromWorker[]> {
    const answers: FromWorker[] = [];
    const hear = (answer: FromWorker): number => answers.push(answer);
    this.#answers.push(hear);
    for (const member of members) this.#post(member, message);
    while (answers.length < members.length) await this.change();
    this.#answers = this.#answers.filter((other) => other !== hear);
    return answers;
  }
}
