/**
 * Objects as files of a folder: written under `tmp/`, made durable, then given their name, which is made durable too.
 * A name never shows part of its contents and is never taken from another object by accident.
 *
 * Where the file system has no hard links, an empty file reserves the name (exclusively) and the contents are renamed
 * over it; an empty file therefore counts as not there, and no object may be empty.
 */
import { join } from 'node:path';
import type { Backend, BackendProperties, GetOptions, ListedObject, ObjectStat, PutOptions } from './backend.ts';
import { DirectorySync } from './directory-sync.ts';
import { type Disk, nodeDisk } from './disk.ts';
import { makeDurableFolder } from './durable-folder.ts';
import { asBackendError, BackendError, errnoOf } from './errors.ts';
import { listFolder } from './list-folder.ts';
import { checkName, isSegment } from './name.ts';
import { removeStale, TEMPORARY_FOLDER, temporaryName } from './temporary-files.ts';

/** Written once: not writable, so that a stray program fails loudly. Who may read is settled by the 0700 folders. */
const FILE_MODE = 0o444;
/** Small enough that a limit of some hundred KB/s is smooth. */
const PACED_PIECE = 64 * 1024;
const NO_HARD_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EMLINK']);

export interface FolderBackendOptions {
  /** Absolute or relative path of an existing folder. */
  readonly path: string;
  readonly disk?: Disk;
}

export class FolderBackend implements Backend {
  readonly properties: BackendProperties = { writesInFlight: 4, readsInFlight: 4, writerCanDestroy: true };
  readonly #root: string;
  readonly #disk: Disk;
  readonly #sync: DirectorySync;
  /** Directories that are there: made once, not asked for again. */
  readonly #made = new Map<string, Promise<void>>();

  constructor(options: FolderBackendOptions) {
    this.#root = options.path;
    this.#disk = options.disk ?? nodeDisk;
    this.#sync = new DirectorySync(this.#disk);
  }

  async get(name: string, options: GetOptions = {}): Promise<Uint8Array | undefined> {
    const { offset = 0, length, into } = options;
    return await this.#onFile('read', name, async (path) => {
      if (into === undefined) {
        return notEmpty(await this.#disk.readToEnd(path, offset, length ?? Number.POSITIVE_INFINITY), offset);
      }
      const target = into.subarray(0, length);
      return notEmpty(target.subarray(0, await this.#disk.read(path, offset, target)), offset);
    });
  }

  async stat(name: string): Promise<ObjectStat | undefined> {
    return await this.#onFile('look at', name, async (path) => {
      const found = await this.#disk.stat(path);
      if (found.kind !== 'file' || found.size === 0) return undefined;
      return { size: found.size, modifiedAt: found.modifiedAt };
    });
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    if (prefix !== '') checkName(prefix);
    try {
      yield* listFolder(this.#disk, this.#root, prefix);
    } catch (error) {
      throw asBackendError(error, `list ${prefix}`);
    }
  }

  /** The names right beneath a folder, of files and folders, in any order. Nothing is looked at: this is cheap. */
  async names(folder: string): Promise<readonly string[]> {
    const names = await this.#onFile('list', folder, async (path) => await this.#disk.list(path));
    return names?.filter(isSegment) ?? [];
  }

  async put(name: string, bytes: Uint8Array, options: PutOptions = {}): Promise<void> {
    await this.#storing(name, bytes, options, async (temporary, path) => {
      await this.#disk.rename(temporary, path);
      return 'created';
    });
  }

  async putNew(name: string, bytes: Uint8Array, options: PutOptions = {}): Promise<'created' | 'exists'> {
    if ((await this.stat(name)) !== undefined) return await this.#alreadyThere(name);
    return await this.#storing(name, bytes, options, async (temporary, path) => await this.#place(temporary, path));
  }

  /** Whoever made it may not have got to making the name durable, and our caller counts on it. */
  async #alreadyThere(name: string): Promise<'exists'> {
    await this.#onFile('make durable', name, async (path) => await this.#sync.sync(join(path, '..')));
    return 'exists';
  }

  async touch(name: string): Promise<boolean> {
    const done = await this.#onFile('touch', name, async (path) => {
      await this.#disk.touch(path);
      return true;
    });
    return done ?? false;
  }

  async delete(name: string): Promise<void> {
    await this.#onFile('delete', name, async (path) => {
      await this.#disk.remove(path);
      await this.#sync.sync(join(path, '..'));
    });
  }

  /**
   * Makes the folder itself, with its parents.
   * @throws the system's own error: why a folder cannot be made is for whoever named it.
   */
  async makeRoot(): Promise<void> {
    await this.#makeFolder(this.#root);
  }

  /** Removes what writers that died left under `tmp/`; never what a live writer may still use. */
  async removeStaleTemporaries(now: number): Promise<number> {
    try {
      return await removeStale(this.#disk, join(this.#root, TEMPORARY_FOLDER), now);
    } catch (error) {
      throw asBackendError(error, 'clean temporary files');
    }
  }

  /** Runs `use`; a path that is not there is undefined. */
  async #onFile<T>(action: string, name: string, use: (path: string) => Promise<T>): Promise<T | undefined> {
    checkName(name);
    try {
      return await use(join(this.#root, name));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
      throw asBackendError(error, `${action} ${name}`);
    }
  }

  async #storing(
    name: string,
    bytes: Uint8Array,
    options: PutOptions,
    place: (temporary: string, path: string) => Promise<'created' | 'exists'>,
  ): Promise<'created' | 'exists'> {
    checkName(name);
    if (bytes.length === 0) throw new BackendError('bad-name', `write ${name}: an object must not be empty`);
    const path = join(this.#root, name);
    const folder = join(path, '..');
    try {
      await Promise.all([this.#directory(join(this.#root, TEMPORARY_FOLDER)), this.#directory(folder)]);
      const temporary = await this.#writeTemporary(bytes, options);
      let outcome: 'created' | 'exists';
      try {
        options.signal?.throwIfAborted();
        outcome = await place(temporary, path);
      } catch (error) {
        await this.#discard(temporary);
        throw error;
      }
      // Also when it exists: whoever made it may not have got to this yet, and our caller counts on it.
      await this.#sync.sync(folder);
      return outcome;
    } catch (error) {
      this.#made.clear();
      throw asBackendError(error, `write ${name}`);
    }
  }

  async #writeTemporary(bytes: Uint8Array, options: PutOptions): Promise<string> {
    const { path, file } = await this.#createTemporary(options.pace === undefined ? bytes.length : 0);
    try {
      try {
        const piece = options.pace === undefined ? bytes.length : PACED_PIECE;
        for (let at = 0; at < bytes.length; at += piece) {
          const part = bytes.subarray(at, at + piece);
          options.signal?.throwIfAborted();
          await options.pace?.(part.length);
          await file.write(part);
        }
        options.onWritten?.();
        await file.sync();
      } finally {
        await file.close();
      }
      return path;
    } catch (error) {
      await this.#discard(path);
      throw error;
    }
  }

  async #createTemporary(length: number): Promise<{ path: string; file: Awaited<ReturnType<Disk['create']>> }> {
    for (;;) {
      const path = join(this.#root, TEMPORARY_FOLDER, temporaryName());
      try {
        return { path, file: await this.#disk.create(path, FILE_MODE, length) };
      } catch (error) {
        // Another machine on the same folder may draw the same name; the next one differs.
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
    }
  }

  async #place(temporary: string, path: string): Promise<'created' | 'exists'> {
    try {
      await this.#disk.link(temporary, path);
    } catch (error) {
      const errno = errnoOf(error) ?? '';
      if (errno === 'EEXIST') return await this.#takeReservation(temporary, path);
      if (NO_HARD_LINKS.has(errno)) return await this.#placeByReservation(temporary, path);
      throw error;
    }
    await this.#discard(temporary);
    return 'created';
  }

  async #placeByReservation(temporary: string, path: string): Promise<'created' | 'exists'> {
    try {
      await (await this.#disk.create(path, FILE_MODE)).close();
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return await this.#takeReservation(temporary, path);
      throw error;
    }
    await this.#disk.rename(temporary, path);
    return 'created';
  }

  /** The name is there: with contents it is someone's object, empty it is left over from a crash. */
  async #takeReservation(temporary: string, path: string): Promise<'created' | 'exists'> {
    const found = await this.#disk.stat(path);
    if (found.size > 0) {
      await this.#discard(temporary);
      return 'exists';
    }
    await this.#disk.rename(temporary, path);
    return 'created';
  }

  async #discard(temporary: string): Promise<void> {
    try {
      await this.#disk.remove(temporary);
    } catch {
      // Stays behind for removeStaleTemporaries; the failure that matters is the caller's.
    }
  }

  async #makeFolder(path: string): Promise<void> {
    await makeDurableFolder(path, { disk: this.#disk, sync: async (folder) => await this.#sync.sync(folder) });
  }

  async #directory(path: string): Promise<void> {
    let making = this.#made.get(path);
    if (making === undefined) {
      making = this.#makeFolder(path);
      this.#made.set(path, making);
    }
    await making;
  }
}

function notEmpty(bytes: Uint8Array, offset: number): Uint8Array | undefined {
  return bytes.length === 0 && offset === 0 ? undefined : bytes;
}
