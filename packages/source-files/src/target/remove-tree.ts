/**
 * Removes a directory with everything in it, of any depth, following no link. Only one directory is open at a time; on
 * the way up '..' must be the very directory that was left, or the removal stops.
 */
import {
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  type CString,
  CStringScratch,
  checked,
  cString,
  errno,
  fileTypeBits,
  type Libc,
  openFlags,
  STATX_ALL,
  StatBuffer,
} from '@keephold/ffi';
import { TargetError } from '../errors.ts';
import { printablePath } from '../printable-path.ts';
import { PathHandle } from './entry-handle.ts';
import { readNames } from './read-names.ts';

interface Level {
  /** Inode and file system, to know it again. */
  readonly identity: string;
  /** Subdirectories that still hold something. */
  readonly pending: Uint8Array[];
}

const OPEN_DIRECTORY = openFlags.readOnly | openFlags.directory | openFlags.noFollow | openFlags.closeOnExec;
const DOT_DOT = cString(Buffer.from('..'));
const EMPTY_AT = cString(Buffer.from('.'));

/** The directory whose name starts at `start` of `path`, in the directory `parent`. */
export function removeTree(libc: Libc, parent: number, path: Uint8Array, start: number): void {
  const name = path.slice(start);
  const removal = new Removal(libc, path);
  removal.empty(parent, name);
  checked(libc.unlinkat(parent, cString(name), AT_REMOVEDIR), 'unlinkat', path);
}

/** Opens a directory to its owner, when this process is the owner and it is closed. `stat` holds its state. */
export function makeAccessible(libc: Libc, parent: number, name: CString, stat: StatBuffer): void {
  if ((stat.mode & 0o700) === 0o700 || stat.uid !== libc.geteuid()) return;
  const mode = stat.mode;
  const flags = openFlags.path | openFlags.directory | openFlags.noFollow | openFlags.closeOnExec;
  const fd = libc.openat(parent, name, flags, 0);
  if (fd < 0) return;
  new PathHandle(libc).at(fd).chmod((mode & 0o7777) | 0o700);
  libc.close(fd);
}

class Removal {
  readonly #libc: Libc;
  readonly #path: Uint8Array;
  readonly #name = new CStringScratch();
  readonly #stat = new StatBuffer();
  readonly #levels: Level[] = [];
  #current = -1;

  constructor(libc: Libc, path: Uint8Array) {
    this.#libc = libc;
    this.#path = path;
  }

  empty(parent: number, name: Uint8Array): void {
    try {
      this.#enter(parent, name);
      while (this.#levels.length > 0) this.#step();
    } finally {
      if (this.#current >= 0) this.#libc.close(this.#current);
    }
  }

  /** Goes into the next subdirectory that still holds something, or up when there is none. */
  #step(): void {
    const level = this.#levels.at(-1);
    const next = level?.pending.at(-1);
    if (next !== undefined) {
      this.#enter(this.#current, next);
      return;
    }
    this.#levels.pop();
    const above = this.#levels.at(-1);
    if (above === undefined) return;
    this.#goUp(above.identity);
    const done = above.pending.pop() ?? new Uint8Array(0);
    checked(this.#libc.unlinkat(this.#current, this.#name.put(done), AT_REMOVEDIR), 'unlinkat', done);
  }

  #enter(parent: number, name: Uint8Array): void {
    const cName = this.#name.put(name);
    checked(this.#libc.statx(parent, cName, AT_SYMLINK_NOFOLLOW, STATX_ALL, this.#stat.bytes), 'statx', name);
    if ((this.#stat.mode & fileTypeBits.mask) === fileTypeBits.directory) {
      makeAccessible(this.#libc, parent, cName, this.#stat);
    }
    const fd = checked(this.#libc.openat(parent, cName, OPEN_DIRECTORY, 0), 'openat', name);
    this.#replaceCurrent(fd);
    const identity = this.#identity();
    this.#levels.push({ identity, pending: this.#removeEntries() });
  }

  #goUp(identity: string): void {
    const fd = checked(this.#libc.openat(this.#current, DOT_DOT, OPEN_DIRECTORY, 0), 'openat', this.#path);
    this.#replaceCurrent(fd);
    if (this.#identity() !== identity) {
      throw new TargetError('link-in-path', `remove: moved by someone else meanwhile: '${printablePath(this.#path)}'`);
    }
  }

  #removeEntries(): Uint8Array[] {
    const pending: Uint8Array[] = [];
    for (const name of readNames(this.#libc, this.#current, this.#path)) {
      const result = this.#libc.unlinkat(this.#current, this.#name.put(name), 0);
      if (result >= 0 || result === -errno.ENOENT) continue;
      if (result !== -errno.EISDIR && result !== -errno.EPERM) checked(result, 'unlinkat', name);
      const removed = this.#libc.unlinkat(this.#current, this.#name.put(name), AT_REMOVEDIR);
      if (removed >= 0 || removed === -errno.ENOENT) continue;
      if (removed === -errno.ENOTDIR) checked(result, 'unlinkat', name);
      if (removed !== -errno.ENOTEMPTY && removed !== -errno.EEXIST) checked(removed, 'unlinkat', name);
      pending.push(name);
    }
    return pending;
  }

  #identity(): string {
    checked(this.#libc.statx(this.#current, EMPTY_AT, 0, STATX_ALL, this.#stat.bytes), 'statx', this.#path);
    return `${this.#stat.inode}:${this.#stat.fileSystem}`;
  }

  #replaceCurrent(fd: number): void {
    if (this.#current >= 0) this.#libc.close(this.#current);
    this.#current = fd;
  }
}
