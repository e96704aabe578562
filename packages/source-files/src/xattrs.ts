/**
 * Extended attributes of entries, POSIX ACLs among them (system.posix_acl_access, system.posix_acl_default), for backup.
 * No link is followed. An entry without attributes costs one call and no allocation.
 */
import { type CString, CStringScratch, errno, errnoName, type Libc, libc } from '@keephold/ffi';

export interface FileXattr {
  /** Raw bytes, prefix included: 'user.comment'. */
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

export interface XattrReading {
  readonly xattrs: readonly FileXattr[];
  /** Attributes that are there and could not be read: 'trusted.x: EPERM'. Must be told to the user. */
  readonly problems: readonly string[];
}

export interface XattrReader {
  /** Of the entry at this path, at most 4,095 bytes long. */
  read(path: Uint8Array): XattrReading;
  /** Of the entry called `name` in the directory open as `dir`; reaches entries too deep for a path. */
  readAt(dir: number, name: Uint8Array): XattrReading;
  /** Of an open file. */
  readOpen(fd: number): XattrReading;
}

const NONE: XattrReading = { xattrs: [], problems: [] };
const FIRST_BUFFER = 4096;
// XATTR_LIST_MAX and XATTR_SIZE_MAX of Linux.
const MAX_BUFFER = 64 * 1024;

/** Undefined where attributes cannot be read (anything but Linux): the caller says so once. */
export function createXattrReader(): XattrReader | undefined {
  const calls = libc();
  return calls === undefined ? undefined : new LibcXattrReader(calls);
}

class LibcXattrReader implements XattrReader {
  readonly #libc: Libc;
  readonly #path = new CStringScratch();
  readonly #name = new CStringScratch();
  #buffer: Uint8Array = new Uint8Array(FIRST_BUFFER);

  constructor(calls: Libc) {
    this.#libc = calls;
  }

  read(path: Uint8Array): XattrReading {
    const cPath = this.#path.put(path);
    return this.#readAll(
      (buffer) => this.#libc.llistxattr(cPath, buffer),
      (name, buffer) => this.#libc.lgetxattr(cPath, name, buffer),
    );
  }

  readAt(dir: number, name: Uint8Array): XattrReading {
    return this.read(Buffer.concat([Buffer.from(`/proc/self/fd/${dir}/`), name]));
  }

  readOpen(fd: number): XattrReading {
    return this.#readAll(
      (buffer) => this.#libc.flistxattr(fd, buffer),
      (name, buffer) => this.#libc.fgetxattr(fd, name, buffer),
    );
  }

  #readAll(list: (buffer: Uint8Array) => number, get: (name: CString, buffer: Uint8Array) => number): XattrReading {
    const length = this.#filled(list);
    if (length === 0 || length === -errno.ENOTSUP) return NONE;
    if (length < 0) return { xattrs: [], problems: [`extended attributes: ${errnoName(-length)}`] };
    const names = splitNames(this.#buffer.slice(0, length));
    const xattrs: FileXattr[] = [];
    const problems: string[] = [];
    for (const name of names) {
      const cName = this.#name.put(name);
      const size = this.#filled((buffer) => get(cName, buffer));
      if (size >= 0) xattrs.push({ name, value: this.#buffer.slice(0, size) });
      // Gone since it was listed, or listed by a file system that then denies having it.
      else if (size !== -errno.ENODATA && size !== -errno.ENOTSUP) {
        problems.push(`${Buffer.from(name).toString()}: ${errnoName(-size)}`);
      }
    }
    return { xattrs, problems };
  }

  #filled(fill: (buffer: Uint8Array) => number): number {
    const length = fill(this.#buffer);
    if (length !== -errno.ERANGE || this.#buffer.length === MAX_BUFFER) return length;
    this.#buffer = new Uint8Array(MAX_BUFFER);
    return fill(this.#buffer);
  }
}

function splitNames(list: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = [];
  for (let start = 0; start < list.length; ) {
    const end = list.indexOf(0, start);
    if (end === -1) break;
    if (end > start) names.push(list.slice(start, end));
    start = end + 1;
  }
  return names;
}
