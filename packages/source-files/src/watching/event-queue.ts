/**
 * The kernel's queue of changes in watched folders. It is read by a thread of Node's pool, which waits in the kernel: an
 * idle watcher wakes nobody. That thread must be woken before the process ends, or the end would wait for a change.
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

export type WatchEvent = (watch: number, mask: number, name: string) => void;

export class EventQueue implements AsyncDisposable {
  readonly #calls: WatchCalls;
  readonly #handle: number;
  readonly #scratch = new CStringScratch();
  readonly #marks = new Map<number, () => void>();
  readonly #reading: Promise<void>;
  readonly #wake = (): void => void this.#setMark();
  #spare: number;
  #isClosing = false;

  /** `onEnd`: reading came to an end that nobody asked for. */
  constructor(calls: WatchCalls, onEvent: WatchEvent, onEnd: (cause: unknown) => void) {
    this.#calls = calls;
    this.#handle = checked(calls.open(), 'inotify_init1');
    this.#spare = this.#addSpare();
    process.once('exit', this.#wake);
    this.#reading = this.#read(onEvent).catch(onEnd);
  }

  /** Number of the watch of a folder, or `-errno`. `path` without slash at the end, the root of the file system empty. */
  watch(path: Uint8Array): number {
    if (path.length >= 4096) return -errno.ENAMETOOLONG;
    return this.#calls.add(this.#handle, this.#scratch.put(path.length === 0 ? SLASH : path), FOLDER_MASK);
  }

  unwatch(watch: number): void {
    this.#calls.remove(this.#handle, watch);
  }

  /** Resolves when everything that had happened before the call was reported. */
  async caughtUp(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const mark = this.#setMark();
      if (mark < 0) reject(new RangeError(`inotify_add_watch: ${mark}`));
      else this.#marks.set(mark, resolve);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    process.removeListener('exit', this.#wake);
    this.#setMark();
    await this.#reading;
    closeSync(this.#handle);
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

  async #read(onEvent: WatchEvent): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    while (!this.#isClosing) {
      const { bytesRead } = await readAsync(this.#handle, buffer, 0, buffer.length, null);
      readWatchEvents(buffer.subarray(0, bytesRead), (watch, mask, name) => {
        const mark = this.#marks.get(watch);
        if (mark === undefined) return onEvent(watch, mask, name);
        this.#marks.delete(watch);
        mark();
      });
    }
  }
}
