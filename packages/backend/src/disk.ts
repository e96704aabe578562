/**
 * The file-system calls that the folder backend makes, as a seam, so that tests can fail, tear or stop each of them.
 * Errors are the system's own (with `code`). Nothing here decides anything.
 */
import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, rename, stat, unlink, utimes } from 'node:fs/promises';

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
  /** Fails with EEXIST when the path is there. */
  create(path: string, mode: number): Promise<DiskFile>;
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
  create: async (path, mode) => new NodeFile(await open(path, 'wx', mode)),
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
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(bytes: Uint8Array): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done);
      done += bytesWritten;
    }
  }

  async sync(): Promise<void> {
    // The size belongs to what datasync writes; only times are left out.
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
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
