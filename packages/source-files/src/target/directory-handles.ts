/**
 * Handles of the target's directories. Each is opened from its parent's handle without following a link, so a directory
 * that someone replaces by a link between two calls cannot lead outside the root. The most recently used stay open.
 */
import {
  AT_EMPTY_PATH,
  CStringScratch,
  checked,
  cString,
  errno,
  type Libc,
  openFlags,
  STATX_ALL,
  StatBuffer,
  SystemError,
} from '@keephold/ffi';
import { TargetError } from '../errors.ts';
import { printablePath } from '../printable-path.ts';
import type { NewEntryDefaults } from './entry-metadata.ts';
import { checkName } from './target-path.ts';

const SLASH = 0x2f;
// Restores work through few directories at a time; two threads stay far below the usual limit of 1,024 handles.
const DEFAULT_LIMIT = 128;

/** An O_PATH handle: good for *at calls, needs no permission to read the directory. */
export interface DirectoryHandle {
  readonly fd: number;
  /** What files get that are created in it; learned from the first. */
  defaults: NewEntryDefaults | undefined;
  /** Open files that will still need it. */
  users: number;
  /** Out of the cache: closed when the last user is gone. */
  evicted: boolean;
}

export class DirectoryHandles {
  readonly #libc: Libc;
  readonly #root: DirectoryHandle;
  readonly #limit: number;
  readonly #name = new CStringScratch();
  readonly #stat = new StatBuffer();
  // Keys are path bytes as latin1 text; insertion order is order of use.
  readonly #open = new Map<string, DirectoryHandle>();
  #lastPath: Uint8Array = new Uint8Array(0);
  #last: DirectoryHandle | undefined;

  /** `rootFd` is an O_PATH handle of the root and is closed by `close`. */
  constructor(libc: Libc, rootFd: number, limit: number = DEFAULT_LIMIT) {
    this.#libc = libc;
    this.#root = { fd: rootFd, defaults: undefined, users: 1, evicted: false };
    this.#limit = limit;
  }

  get root(): DirectoryHandle {
    return this.#root;
  }

  /**
   * The directory at the first `length` bytes of `path`.
   *
   * @throws SystemError when it is not there, TargetError 'link-in-path' when a part is a link or no directory.
   */
  directory(path: Uint8Array, length: number): DirectoryHandle {
    if (length === 0) return this.#root;
    if (this.#last !== undefined && startsWith(path, length, this.#lastPath)) return this.#last;
    const handle = this.#fromCache(path, length) ?? this.#openFrom(path, length);
    this.#last = handle;
    this.#lastPath = path.slice(0, length);
    return handle;
  }

  /** True when the cached directory no longer exists: another thread removed it, and maybe made it anew. */
  isGone(handle: DirectoryHandle): boolean {
    this.#libc.statx(handle.fd, EMPTY, AT_EMPTY_PATH, STATX_ALL, this.#stat.bytes);
    return handle !== this.#root && this.#stat.linkCount === 0;
  }

  /** Lets go of the directory at these bytes and all below it. */
  forget(path: Uint8Array, length: number): void {
    const key = keyOf(path, length);
    for (const [open, handle] of this.#open) {
      if (open === key || open.startsWith(`${key}/`)) this.#evict(open, handle);
    }
    this.#last = undefined;
  }

  release(handle: DirectoryHandle): void {
    handle.users--;
    if (handle.evicted && handle.users === 0) this.#libc.close(handle.fd);
  }

  close(): void {
    for (const [key, handle] of this.#open) this.#evict(key, handle);
    this.#last = undefined;
    this.#root.evicted = true;
    this.release(this.#root);
  }

  #fromCache(path: Uint8Array, length: number): DirectoryHandle | undefined {
    const key = keyOf(path, length);
    const handle = this.#open.get(key);
    if (handle === undefined) return undefined;
    this.#open.delete(key);
    this.#open.set(key, handle);
    return handle;
  }

  /** Goes up to the nearest open ancestor, then down again one name at a time. */
  #openFrom(path: Uint8Array, length: number): DirectoryHandle {
    let handle: DirectoryHandle | undefined;
    let at = length;
    while (handle === undefined) {
      const slash = path.lastIndexOf(SLASH, at - 1);
      at = slash === -1 ? 0 : slash;
      handle = at === 0 ? this.#root : this.#open.get(keyOf(path, at));
    }
    while (at < length) {
      const start = at === 0 ? 0 : at + 1;
      const slash = path.indexOf(SLASH, start);
      at = slash === -1 || slash > length ? length : slash;
      checkName(path, start, at);
      handle = this.#openChild(handle, path, start, at);
    }
    return handle;
  }

  #openChild(parent: DirectoryHandle, path: Uint8Array, start: number, end: number): DirectoryHandle {
    const flags = openFlags.path | openFlags.directory | openFlags.noFollow | openFlags.closeOnExec;
    // The parent stays open meanwhile: putting the child into the cache could push it out.
    const fd = this.#libc.openat(parent.fd, this.#name.put(path.subarray(start, end)), flags, 0);
    if (fd === -errno.ENOTDIR || fd === -errno.ELOOP) throw linkInPath(path.subarray(0, end));
    checked(fd, 'openat', path.subarray(0, end));
    const handle = { fd, defaults: undefined, users: 0, evicted: false };
    this.#open.set(keyOf(path, end), handle);
    this.#evictOldest(handle);
    return handle;
  }

  #evictOldest(keep: DirectoryHandle): void {
    for (const [key, handle] of this.#open) {
      if (this.#open.size <= this.#limit) return;
      if (handle !== keep) this.#evict(key, handle);
    }
  }

  #evict(key: string, handle: DirectoryHandle): void {
    this.#open.delete(key);
    handle.evicted = true;
    if (this.#last === handle) this.#last = undefined;
    if (handle.users === 0) this.#libc.close(handle.fd);
  }
}

const EMPTY = cString(new Uint8Array(0));

function keyOf(path: Uint8Array, length: number): string {
  return Buffer.from(path.buffer, path.byteOffset, length).toString('latin1');
}

function startsWith(path: Uint8Array, length: number, prefix: Uint8Array): boolean {
  if (prefix.length !== length) return false;
  for (let i = length - 1; i >= 0; i--) if (path[i] !== prefix[i]) return false;
  return true;
}

function linkInPath(path: Uint8Array): TargetError {
  const cause = new SystemError('openat', errno.ENOTDIR, path);
  return new TargetError('link-in-path', `restore: not a directory of the target: '${printablePath(path)}'`, { cause });
}
