/**
 * Watches folders with everything below them by inotify and keeps what changed (docs/adr/0034-change-journal.md). It
 * tells folders, not files, and of a folder that is new or was moved everything below it. When something may have been
 * missed it says so once and for all: whoever goes on opens another and looks at everything.
 */
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import {
  errno,
  errnoName,
  type Libc,
  libc,
  openFlags,
  readDirectoryEntries,
  type WatchCalls,
  watchCalls,
  watchMask,
} from '@keephold/ffi';
import { WatchError } from '../errors.ts';
import { printablePath } from '../printable-path.ts';
import { openLongPath } from '../reading/open-long-path.ts';
import { isWithin } from '../snapshots/mounts.ts';
import { QueueMember } from './event-queue.ts';
import { FolderTable, type WatchedFolder } from './folder-table.ts';
import { mappedFolders } from './mapped-files.ts';

/** Folders set up between two looks at what else is to be done. */
const FOLDERS_PER_TURN = 64;
const DENTS_BYTES: number = 64 * 1024;
const DIRECTORY_TYPE = 4;
const UNKNOWN_TYPE = 0;
/** The rest of the watches that a user may have is left to other programs. */
const SHARE_OF_LIMIT = 0.75;
export const LIMIT_PATH = '/proc/sys/fs/inotify/max_user_watches';
const REPLACED: number = watchMask.create | watchMask.movedTo | watchMask.attributes;
const REMOVED: number = watchMask.movedFrom | watchMask.delete;

export interface FolderWatcherOptions {
  /** Absolute, raw bytes, none inside another, the root of the file system empty. */
  readonly roots: readonly Uint8Array[];
  /** Whether a folder is not to be watched, with all below it. `name` has one code unit a byte. */
  readonly skips: (folder: Uint8Array, name: string) => boolean;
}

/** Absolute, raw bytes. */
export interface Changes {
  readonly folders: readonly Uint8Array[];
  /** Changed with anything below them. */
  readonly trees: readonly Uint8Array[];
}

export class FolderWatcher implements AsyncDisposable {
  readonly #options: FolderWatcherOptions;
  readonly #libc: Libc;
  readonly #queue: QueueMember;
  readonly #table = new FolderTable();
  readonly #roots = new Set<WatchedFolder>();
  /** Roots that are no folders. */
  readonly #fileRoots = new Set<string>();
  readonly #limit = watchLimit();
  readonly #dents = new Uint8Array(DENTS_BYTES);
  #changed = new Set<WatchedFolder>();
  #trees = new Set<string>();
  /** Of which nothing is known, because no watch can be had: told every time. */
  readonly #unwatched = new Set<string>();
  /** Folders that are to be watched, with all below them. */
  #toAdd: { readonly parent: WatchedFolder | undefined; readonly name: string }[] = [];
  #adding: Promise<void> | undefined;
  #failure: WatchError | undefined;

  private constructor(options: FolderWatcherOptions, calls: WatchCalls, files: Libc) {
    this.#options = options;
    this.#libc = files;
    this.#queue = new QueueMember(calls, {
      onEvent: (watch, mask, name) => this.#take(watch, mask, name),
      onEnd: (cause) => this.#fail('watch-gap', 'reading events failed', cause),
    });
  }

  /** Resolves when every folder is watched. @throws WatchError */
  static async open(options: FolderWatcherOptions): Promise<FolderWatcher> {
    const calls = watchCalls();
    const files = libc();
    if (calls === undefined || files === undefined)
      throw new WatchError('watch-unsupported', 'watch folders: this system has no inotify');
    const watcher = FolderWatcher.#create(options, calls, files);
    try {
      for (const root of options.roots) watcher.#add(undefined, Buffer.from(root).toString('latin1'));
      await watcher.#allAdded();
      watcher.#throwIfFailed();
      return watcher;
    } catch (cause) {
      await watcher[Symbol.asyncDispose]();
      throw cause;
    }
  }

  static #create(options: FolderWatcherOptions, calls: WatchCalls, files: Libc): FolderWatcher {
    try {
      return new FolderWatcher(options, calls, files);
    } catch (cause) {
      // Other programs of the user have all there may be (fs.inotify.max_user_instances): not for ever.
      throw new WatchError('watch-gap', `watch folders: ${(cause as Error).message}`, { cause });
    }
  }

  /** How many folders are watched. */
  get size(): number {
    return this.#table.size;
  }

  /** Set once something was missed: nothing that is told afterwards is all. */
  get failure(): WatchError | undefined {
    return this.#failure;
  }

  /** Everything that changed before this call and after the one before. @throws WatchError */
  async take(): Promise<Changes> {
    const mapped = await mappedFolders();
    this.#checkFileRoots();
    await this.#queue
      .caughtUp()
      .catch((cause: unknown) => this.#fail('watch-gap', 'the queue cannot be marked', cause));
    // What is told as new is watched from now on: a run that looks at it sees it, or the next one is told.
    await this.#allAdded();
    this.#throwIfFailed();
    const folders = [...this.#changed].filter(({ isGone }) => !isGone).map(({ path }) => path);
    const changes = {
      folders: [...folders, ...[...mapped].filter((path) => this.#isInRoots(path))].map(toBytes),
      trees: [...this.#trees, ...this.#unwatched].map(toBytes),
    };
    this.#changed = new Set();
    this.#trees = new Set();
    return changes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#toAdd = [];
    this.#failure ??= new WatchError('watch-gap', 'watch folders: it was ended');
    await this.#adding;
    await this.#queue[Symbol.asyncDispose]();
  }

  #take(watch: number, mask: number, name: string): void {
    if ((mask & watchMask.overflow) !== 0) return this.#fail('watch-gap', 'more changed at once than the kernel keeps');
    const folder = this.#table.find(watch);
    if (folder === undefined) return;
    if ((mask & watchMask.unmount) !== 0)
      return this.#fail('watch-gap', `the file system of ${printable(folder.path)} went away`);
    if ((mask & (watchMask.deleteSelf | watchMask.moveSelf)) !== 0 && this.#roots.has(folder))
      return this.#fail('watch-gap', `${printable(folder.path)} was moved or removed`);
    if ((mask & watchMask.ignored) !== 0) return this.#forget(folder);
    this.#changed.add(folder);
    if ((mask & watchMask.isDirectory) !== 0 && name !== '') this.#takeFolder(folder, mask, name);
  }

  /** Something happened to a folder in a watched one. */
  #takeFolder(parent: WatchedFolder, mask: number, name: string): void {
    const known = parent.children?.get(name);
    if ((mask & REMOVED) !== 0 && known !== undefined) this.#forget(known);
    if ((mask & REPLACED) === 0 || this.#options.skips(toBytes(parent.path), name)) return;
    // With other rights it may be one that could not be watched before.
    if ((mask & watchMask.attributes) !== 0 && known !== undefined) return;
    this.#trees.add(`${parent.path}/${name}`);
    this.#add(parent, name);
  }

  #forget(folder: WatchedFolder): void {
    for (const watch of this.#table.remove(folder)) this.#queue.unwatch(watch);
  }

  #add(parent: WatchedFolder | undefined, name: string): void {
    this.#toAdd.push({ parent, name });
    this.#adding ??= this.#addAll();
  }

  async #allAdded(): Promise<void> {
    while (this.#adding !== undefined) await this.#adding;
  }

  async #addAll(): Promise<void> {
    for (let count = 0; this.#failure === undefined; count++) {
      if (count % FOLDERS_PER_TURN === 0) await setImmediate();
      const next = this.#toAdd.pop();
      if (next === undefined) break;
      if (next.parent?.isGone !== true) this.#addOne(next.parent, next.name);
    }
    this.#adding = undefined;
  }

  /** Watches first and lists then: what comes into it in between is told, and may be found twice. */
  #addOne(parent: WatchedFolder | undefined, name: string): void {
    const text = parent === undefined ? name : `${parent.path}/${name}`;
    const path = toBytes(text);
    const watch = this.#table.size >= this.#limit ? -errno.ENOSPC : this.#queue.watch(path);
    if (watch < 0) return parent === undefined ? this.#rootNotAdded(text, -watch) : this.#notAdded(text, -watch);
    const folder = this.#table.put(watch, parent, name);
    if (parent === undefined) this.#roots.add(folder);
    for (const child of this.#foldersIn(path)) {
      if (!this.#options.skips(path, child)) this.#toAdd.push({ parent: folder, name: child });
    }
  }

  /** A file among the roots needs no watch: whoever backs up looks at the roots themselves. */
  #rootNotAdded(path: string, code: number): void {
    if (code === errno.ENOTDIR) this.#fileRoots.add(path);
    else if (code === errno.ENOSPC) this.#notAdded(path, code);
    else this.#fail('watch-gap', `${printable(path)} cannot be watched: ${errnoName(code)}`);
  }

  #checkFileRoots(): void {
    for (const path of this.#fileRoots)
      if (this.#queue.watch(toBytes(path)) >= 0) this.#fail('watch-gap', `${printable(path)} is a folder now`);
  }

  /** Gone, no folder any more, or one that a backup cannot list either (it looks at those again by itself). */
  #notAdded(path: string, code: number): void {
    if (code === errno.ENAMETOOLONG) this.#unwatched.add(path);
    else if (code === errno.ENOSPC)
      this.#fail('watch-limit', `there are more folders than ${this.#limit} that may be watched (${LIMIT_PATH})`);
    else if (![errno.ENOENT, errno.ENOTDIR, errno.EACCES].includes(code))
      this.#fail('watch-gap', `${printable(path)} cannot be watched: ${errnoName(code)}`);
  }

  #foldersIn(path: Uint8Array): readonly string[] {
    const flags = openFlags.readOnly | openFlags.directory | openFlags.noFollow | openFlags.closeOnExec;
    const handle = openLongPath(this.#libc, path, flags);
    if (handle < 0) return [];
    const names: string[] = [];
    try {
      for (;;) {
        const length = this.#libc.getdents64(handle, this.#dents);
        if (length <= 0) return names;
        readDirectoryEntries(this.#dents, length, (name, type) => {
          // Of an unknown type: adding it tells whether it is a folder.
          if (type === DIRECTORY_TYPE || type === UNKNOWN_TYPE) names.push(Buffer.from(name).toString('latin1'));
        });
      }
    } finally {
      this.#libc.close(handle);
    }
  }

  #isInRoots(path: string): boolean {
    return [...this.#roots].some((root) => isWithin(path, root.path));
  }

  #fail(code: WatchError['code'], why: string, cause?: unknown): void {
    this.#failure ??= new WatchError(code, `watch folders: ${why}`, { cause });
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function watchLimit(): number {
  try {
    return Math.floor(Number(readFileSync(LIMIT_PATH, 'latin1')) * SHARE_OF_LIMIT);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function toBytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

function printable(path: string): string {
  return printablePath(toBytes(path));
}
