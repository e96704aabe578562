/**
 * The file-system calls that the folder backend makes, as a seam, so that tests can fail, tear or stop each of them.
 * Errors are the system's own (with `code`). Nothing here decides anything.
 */
import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, rename, stat, unlink, utimes } from 'node:fs/promises';
import { errnoOf } from './errors.ts';
import { paysPastTheCache, writePastTheCache } from './write-past-the-cache.ts';

/** A large file is opened a second time while it is written; `sync` takes that away again. */
const OWNER_WRITES = 0o200;

export interface DiskFile {
  /** Writes all bytes at the end of what this handle has written. */
  write(bytes: Uint8Array): Promise<void>;
  /** Contents and size durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface DiskStat {
  readonly kind: 'file' | 'directory' | 'other';
  readonly size: number;
  readonly modifiedAt: number;
}

export interface Disk {
  /** Fails with EEXIST when the path is there. `length`: bytes that will be written at once, where it is known. */
  create(path: string, mode: number, length?: number): Promise<DiskFile>;
  /** Reads up to `into.length` bytes; answers how many. */
  read(path: string, offset: number, into: Uint8Array): Promise<number>;
  /** Reads from offset to the end of the file, but not more than `atMost` bytes. */
  readToEnd(path: string, offset: number, atMost: number): Promise<Uint8Array>;
  /** Gives a file a second name; fails with EEXIST when that is there. */
  link(from: string, to: string): Promise<void>;
  /** Replaces `to`. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** With parents; answers the topmost directory made, undefined when none was. */
  makeDirectory(path: string): Promise<string | undefined>;
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void>;
  stat(path: string): Promise<DiskStat>;
  list(path: string): Promise<readonly string[]>;
  touch(path: string): Promise<void>;
}

export const nodeDisk: Disk = {
  create: async (path, mode, length = 0) =>
    paysPastTheCache(length)
      ? new LargeFile(path, await open(path, 'wx', mode | OWNER_WRITES), mode)
      : new NodeFile(await open(path, 'wx', mode)),
  read: async (path, offset, into) => await reading(path, async (handle) => await fill(handle, offset, into)),
  readToEnd: async (path, offset, atMost) =>
    await reading(path, async (handle) => {
      const { size } = await handle.stat();
      const bytes = new Uint8Array(Math.min(atMost, Math.max(0, size - offset)));
      return bytes.subarray(0, await fill(handle, offset, bytes));
    }),
  link,
  rename,
  remove: unlink,
  makeDirectory: async (path) => await mkdir(path, { recursive: true, mode: 0o700 }),
  syncDirectory: async (path) => {
    // Windows has no such call and keeps names durable by itself.
    if (process.platform === 'win32') return;
    await reading(path, async (handle) => await handle.sync());
  },
  stat: async (path) => {
    const found = await stat(path);
    const kind = found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other';
    return { kind, size: found.size, modifiedAt: found.mtimeMs };
  },
  list: readdir,
  touch: async (path) => {
    const now = new Date();
    await utimes(path, now, now);
  },
};

class NodeFile implements DiskFile {
  protected readonly handle: FileHandle;

  constructor(handle: FileHandle) {
    this.handle = handle;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await writeAll(this.handle, bytes, null);
  }

  async sync(): Promise<void> {
    // The size belongs to what datasync writes; only times are left out.
    await this.handle.datasync();
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** A pack, usually: written past the system's cache where that is possible. */
class LargeFile extends NodeFile {
  readonly #path: string;
  readonly #mode: number;
  #end = 0;

  constructor(path: string, handle: FileHandle, mode: number) {
    super(handle);
    this.#path = path;
    this.#mode = mode;
  }

  override async write(bytes: Uint8Array): Promise<void> {
    const done = this.#end === 0 ? await writePastTheCache(this.#path, bytes) : 0;
    await writeAll(this.handle, bytes.subarray(done), this.#end + done);
    this.#end += bytes.length;
  }

  override async sync(): Promise<void> {
    try {
      await this.handle.chmod(this.#mode);
    } catch (error) {
      // Some file systems have no modes; that nobody may write is a courtesy.
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoOf(error) ?? '')) throw error;
    }
    await super.sync();
  }
}

/** At `position` and after it; null: where the handle stands. */
async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number | null): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const at = position === null ? null : position + done;
    done += (await handle.write(bytes, done, bytes.length - done, at)).bytesWritten;
  }
}

async function reading<T>(path: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

async function fill(handle: FileHandle, offset: number, into: Uint8Array): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await handle.read(into, done, into.length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
