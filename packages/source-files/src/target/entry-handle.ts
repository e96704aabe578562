/**
 * The one file system entry whose metadata is being set: either an open file, or an O_PATH handle of anything. Both
 * stand for the entry itself, so nothing that happens to its name meanwhile can redirect a change.
 */
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  type CString,
  CStringScratch,
  cString,
  type Libc,
  openFlags,
  STATX_ALL,
  type StatBuffer,
} from '@keephold/ffi';

/** All answers are those of Libc: `-errno` for a failure. */
export interface EntryHandle {
  stat(into: StatBuffer): number;
  chown(uid: number, gid: number): number;
  chmod(mode: number): number;
  setTimes(times: Uint8Array): number;
  listXattrs(buffer: Uint8Array | null): number;
  getXattr(name: CString, buffer: Uint8Array | null): number;
  setXattr(name: CString, value: Uint8Array): number;
  removeXattr(name: CString): number;
  /** Inode flags; the entry is a file or a directory. */
  getFlags(): number;
  setFlags(flags: number): number;
}

const EMPTY = cString(new Uint8Array(0));

/** A file opened for writing. One object serves many files: point it with `at`. */
export class OpenFileHandle implements EntryHandle {
  readonly #libc: Libc;
  #fd = -1;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  at(fd: number): this {
    this.#fd = fd;
    return this;
  }

  stat(into: StatBuffer): number {
    return this.#libc.statx(this.#fd, EMPTY, AT_EMPTY_PATH, STATX_ALL, into.bytes);
  }
  chown(uid: number, gid: number): number {
    return this.#libc.fchown(this.#fd, uid, gid);
  }
  chmod(mode: number): number {
    return this.#libc.fchmod(this.#fd, mode);
  }
  setTimes(times: Uint8Array): number {
    return this.#libc.futimens(this.#fd, times);
  }
  listXattrs(buffer: Uint8Array | null): number {
    return this.#libc.flistxattr(this.#fd, buffer);
  }
  getXattr(name: CString, buffer: Uint8Array | null): number {
    return this.#libc.fgetxattr(this.#fd, name, buffer);
  }
  setXattr(name: CString, value: Uint8Array): number {
    return this.#libc.fsetxattr(this.#fd, name, value);
  }
  removeXattr(name: CString): number {
    return this.#libc.fremovexattr(this.#fd, name);
  }
  getFlags(): number {
    return this.#libc.getInodeFlags(this.#fd);
  }
  setFlags(flags: number): number {
    return this.#libc.setInodeFlags(this.#fd, flags);
  }
}

/** An O_PATH handle, reached through /proc where a call takes no handle of that kind. */
export class PathHandle implements EntryHandle {
  readonly #libc: Libc;
  readonly #scratch = new CStringScratch();
  #path: CString = EMPTY;
  #fd = -1;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  at(fd: number): this {
    this.#fd = fd;
    this.#path = this.#scratch.putNumbered('/proc/self/fd/', fd);
    return this;
  }

  stat(into: StatBuffer): number {
    return this.#libc.statx(this.#fd, EMPTY, AT_EMPTY_PATH, STATX_ALL, into.bytes);
  }
  chown(uid: number, gid: number): number {
    return this.#libc.fchownat(this.#fd, EMPTY, uid, gid, AT_EMPTY_PATH);
  }
  chmod(mode: number): number {
    return this.#libc.chmod(this.#path, mode);
  }
  setTimes(times: Uint8Array): number {
    return this.#libc.utimensat(AT_FDCWD, this.#path, times, 0);
  }
  listXattrs(buffer: Uint8Array | null): number {
    return this.#libc.listxattr(this.#path, buffer);
  }
  getXattr(name: CString, buffer: Uint8Array | null): number {
    return this.#libc.getxattr(this.#path, name, buffer);
  }
  setXattr(name: CString, value: Uint8Array): number {
    return this.#libc.setxattr(this.#path, name, value);
  }
  removeXattr(name: CString): number {
    return this.#libc.removexattr(this.#path, name);
  }
  getFlags(): number {
    return this.#opened((fd) => this.#libc.getInodeFlags(fd));
  }
  setFlags(flags: number): number {
    return this.#opened((fd) => this.#libc.setInodeFlags(fd, flags));
  }

  /** Flags are a matter of open files. */
  #opened(call: (fd: number) => number): number {
    const flags = openFlags.readOnly | openFlags.nonBlock | openFlags.closeOnExec;
    const fd = this.#libc.openat(AT_FDCWD, this.#path, flags, 0);
    if (fd < 0) return fd;
    const answer = call(fd);
    this.#libc.close(fd);
    return answer;
  }
}
