/**
 * What changed between two backups of the same folders, in memory: told right before a run, and dropped when that run
 * made a snapshot. A journal that was opened anew, or missed something, tells nothing: the next run looks at everything
 * and is what later changes are counted from.
 */
import { readFileSync } from 'node:fs';
import { WatchError } from '../errors.ts';
import { type Changes, FolderWatcher, type FolderWatcherOptions, LIMIT_PATH } from './folder-watcher.ts';
import { type WatchableRoots, watchableRoots } from './watchable-roots.ts';

/** `since`: the snapshot that the changes are counted from. */
export interface ToldChanges extends Changes {
  readonly since: Uint8Array;
}

export class ChangeJournal implements AsyncDisposable {
  readonly #options: FolderWatcherOptions;
  #watcher: FolderWatcher | undefined;
  #since: Uint8Array | undefined;
  #pending: readonly Changes[] = [];
  #mounts = '';
  #limit = '';
  #problem: WatchError | undefined;

  /** The folders and rules of the backups it is for: with others it must be made anew. Nothing is watched so far. */
  constructor(options: FolderWatcherOptions) {
    this.#options = options;
  }

  /** Why these folders cannot be watched, as it was found the last time; undefined when they are. */
  get problem(): WatchError | undefined {
    return this.#problem;
  }

  /**
   * To be called right before a run begins, with `after` at its end. Undefined: the run must look at everything. It is
   * the first, or something was missed, or the folders cannot be watched (`problem`).
   */
  async before(): Promise<ToldChanges | undefined> {
    const roots = watchableRoots(this.#options.roots);
    await this.#endIfStale(roots);
    if (this.#watcher === undefined) await this.#open(roots);
    const changes = (await this.#take()) ?? (await this.#takeAnew(roots));
    if (changes !== undefined) this.#pending = [...this.#pending, changes];
    if (this.#since === undefined) return undefined;
    const { folders, trees } = merged(this.#pending);
    return { since: this.#since, folders, trees };
  }

  /** The complete snapshot that the run made, if it made one: otherwise what it was told is told again. */
  after(snapshot: Uint8Array | undefined): void {
    if (snapshot === undefined || this.#watcher === undefined) return;
    this.#since = snapshot;
    this.#pending = [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  /** Something else is mounted: other folders are to be watched. */
  async #endIfStale({ fingerprint }: WatchableRoots): Promise<void> {
    if (this.#mounts !== fingerprint.join('\n')) await this.#end();
  }

  async #end(): Promise<void> {
    this.#since = undefined;
    this.#pending = [];
    await this.#watcher?.[Symbol.asyncDispose]();
    this.#watcher = undefined;
  }

  async #open({ isWatchable, mountedBelow, fingerprint }: WatchableRoots): Promise<void> {
    const limit = readLimit();
    // Setting up that many watches in vain before each run would be no help.
    if (this.#problem?.code === 'watch-limit' && limit === this.#limit) return;
    this.#limit = limit;
    this.#mounts = fingerprint.join('\n');
    if (!isWatchable) {
      this.#problem = new WatchError(
        'watch-unsupported',
        'watch folders: on a network file system, or one that a program serves, changes make no event',
      );
      return;
    }
    const mounted = new Set(mountedBelow.map((path) => Buffer.from(path).toString('latin1')));
    const { roots, skips } = this.#options;
    // Walked every time; and of a folder that is mounted once more only one of its paths would be told.
    const isMounted = (folder: Uint8Array, name: string): boolean =>
      mounted.size > 0 && mounted.has(`${Buffer.from(folder).toString('latin1')}/${name}`);
    try {
      this.#watcher = await FolderWatcher.open({
        roots,
        skips: (folder, name) => isMounted(folder, name) || skips(folder, name),
      });
      this.#problem = undefined;
    } catch (cause) {
      if (!(cause instanceof WatchError)) throw cause;
      this.#problem = cause;
    }
  }

  async #take(): Promise<Changes | undefined> {
    try {
      return await this.#watcher?.take();
    } catch (cause) {
      if (!(cause instanceof WatchError)) throw cause;
      this.#problem = cause;
      return undefined;
    }
  }

  /** After something was missed: from now on nothing is. */
  async #takeAnew(roots: WatchableRoots): Promise<Changes | undefined> {
    if (this.#watcher === undefined) return undefined;
    await this.#end();
    await this.#open(roots);
    return await this.#take();
  }
}

function merged(all: readonly Changes[]): Changes {
  return { folders: unique(all.flatMap(({ folders }) => folders)), trees: unique(all.flatMap(({ trees }) => trees)) };
}

function unique(paths: readonly Uint8Array[]): readonly Uint8Array[] {
  return [...new Map(paths.map((path) => [Buffer.from(path).toString('latin1'), path])).values()];
}

function readLimit(): string {
  try {
    return readFileSync(LIMIT_PATH, 'latin1');
  } catch {
    return '';
  }
}
