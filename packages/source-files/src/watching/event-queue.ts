/**
 * The kernel's queue of changes in watched folders, one for all watchers of the process. It is read by a thread of Node's
 * pool, which waits in the kernel: an idle watcher wakes nobody. There are only four such threads, hence one queue. The
 * thread must be woken before the process ends, or the end would wait for a change.
 */
import { closeSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { CStringScratch, checked, errno, readWatchEvents, type WatchCalls, watchMask } from '@keephold/ffi';

const readAsync = promisify(read);

const BUFFER_BYTES: number = 256 * 1024;
/** Nothing else watches it, so that its event is known for a mark in the queue. */
const MARK_PATH: Uint8Array = Buffer.from('/dev/null');
const SLASH: Uint8Array = Buffer.from('/');

const FOLDER_MASK: number =
  watchMask.modify |
  watchMask.attributes |
  watchMask.closeWrite |
  watchMask.movedFrom |
  watchMask.movedTo |
  watchMask.create |
  watchMask.delete |
  watchMask.deleteSelf |
  watchMask.moveSelf |
  watchMask.onlyDirectory |
  watchMask.noFollow;

export interface QueueListener {
  readonly onEvent: (watch: number, mask: number, name: string) => void;
  /** Reading came to an end that nobody asked for. */
  readonly onEnd: (cause: unknown) => void;
}

let shared: EventQueue | undefined;

/** A watcher's part in the queue: it hears of the folders that it watches, and of what is missed by all. */
export class QueueMember implements AsyncDisposable {
  readonly #queue: EventQueue;
  readonly #listener: QueueListener;

  /** @throws SystemError when no queue can be had */
  constructor(calls: WatchCalls, listener: QueueListener) {
    this.#queue = shared ??= new EventQueue(calls);
    this.#listener = listener;
    this.#queue.join(listener);
  }

  /** Number of the watch of a folder, or `-errno`. `path` without slash at the end, the root of the file system empty. */
  watch(path: Uint8Array): number {
    return this.#queue.watch(path, this.#listener);
  }

  unwatch(watch: number): void {
    this.#queue.unwatch(watch, this.#listener);
  }

  /** Resolves when everything that had happened before the call was reported. */
  async caughtUp(): Promise<void> {
    await this.#queue.caughtUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue.leave(this.#listener);
  }
}

class EventQueue {
  readonly #calls: WatchCalls;
  readonly #handle: number;
  readonly #scratch = new CStringScratch();
  /** Who watches alone, as it stands in `#owners`. */
  readonly #members = new Map<QueueListener, readonly QueueListener[]>();
  readonly #owners = new Map<number, readonly QueueListener[]>();
  readonly #marks = new Map<number, () => void>();
  readonly #reading: Promise<void>;
  readonly #wake = (): void => void this.#setMark();
  #spare: number;
  #isClosing = false;

  constructor(calls: WatchCalls) {
    this.#calls = calls;
    this.#handle = checked(calls.open(), 'inotify_init1');
    this.#spare = this.#addSpare();
    process.once('exit', this.#wake);
    this.#reading = this.#read().catch((cause: unknown) => this.#end(cause));
  }

  join(listener: QueueListener): void {
    this.#members.set(listener, [listener]);
  }

  async leave(listener: QueueListener): Promise<void> {
    const isMember = this.#members.delete(listener);
    if (isMember && this.#members.size === 0) return await this.#close();
    for (const [watch, owners] of this.#owners) if (owners.includes(listener)) this.unwatch(watch, listener);
  }

  watch(path: Uint8Array, listener: QueueListener): number {
    if (path.length >= 4096) return -errno.ENAMETOOLONG;
    const watch = this.#calls.add(this.#handle, this.#scratch.put(path.length === 0 ? SLASH : path), FOLDER_MASK);
    if (watch < 0) return watch;
    const owners = this.#owners.get(watch);
    if (owners === undefined) this.#owners.set(watch, this.#members.get(listener) ?? [listener]);
    else if (!owners.includes(listener)) this.#owners.set(watch, [...owners, listener]);
    return watch;
  }

  unwatch(watch: number, listener: QueueListener): void {
    const rest = (this.#owners.get(watch) ?? []).filter((owner) => owner !== listener);
    if (rest.length > 0) this.#owners.set(watch, rest);
    else if (this.#owners.delete(watch)) this.#calls.remove(this.#handle, watch);
  }

  async caughtUp(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const mark = this.#isClosing ? -errno.EBADF : this.#setMark();
      if (mark < 0) reject(new RangeError(`inotify_add_watch: ${mark}`));
      else this.#marks.set(mark, resolve);
    });
  }

  async #close(): Promise<void> {
    if (shared === this) shared = undefined;
    this.#isClosing = true;
    process.removeListener('exit', this.#wake);
    this.#setMark();
    await this.#reading;
    closeSync(this.#handle);
  }

  /** Nobody is told anything any more: all that wait learn it. */
  #end(cause: unknown): void {
    if (shared === this) shared = undefined;
    this.#isClosing = true;
    for (const { onEnd } of this.#members.keys()) onEnd(cause);
    for (const resolve of this.#marks.values()) resolve();
    this.#marks.clear();
  }

  /**
   * Puts an event at the end of the queue, by taking away a watch that is held for that: it works when no more can be
   * had. Answers its number, or `-errno`.
   */
  #setMark(): number {
    if (this.#spare < 0) this.#spare = this.#addSpare();
    const mark = this.#spare;
    if (mark < 0) return mark;
    this.#calls.remove(this.#handle, mark);
    this.#spare = this.#addSpare();
    return mark;
  }

  #addSpare(): number {
    return this.#calls.add(this.#handle, this.#scratch.put(MARK_PATH), watchMask.deleteSelf);
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    while (!this.#isClosing) {
      const { bytesRead } = await readAsync(this.#handle, buffer, 0, buffer.length, null);
      readWatchEvents(buffer.subarray(0, bytesRead), (watch, mask, name) => this.#tell(watch, mask, name));
    }
  }

  #tell(watch: number, mask: number, name: string): void {
    const mark = this.#marks.get(watch);
    if (mark !== undefined) {
      this.#marks.delete(watch);
      return mark();
    }
    // An overflow has no watch: everybody may have missed something.
    const isForAll = (mask & watchMask.overflow) !== 0;
    const owners = isForAll ? this.#members.keys() : this.#owners.get(watch);
    if ((mask & watchMask.ignored) !== 0) this.#owners.delete(watch);
    for (const { onEvent } of owners ?? []) onEvent(watch, mask, name);
  }
}
