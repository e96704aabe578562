/**
 * File calls of the C library, relative to directory handles: what node:fs lacks (openat and its family, nanosecond
 * times, extended attributes, holes, device nodes). Linux, x64 and arm64, glibc and musl; elsewhere `libc()` answers
 * undefined and callers take node:fs.
 *
 * Every function answers `-errno` for a failure and never throws; see `checked`. Names are NUL-ended (libc-strings.ts),
 * results land in buffers of the caller, so a call allocates nothing.
 */
import { FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, RENAME_NOREPLACE, syscallNumbers } from './libc-constants.ts';
import type { CString } from './libc-strings.ts';
import { type NativeArgument, type NativeFunction, type NativeLibrary, nativeLibrary } from './process.ts';

/** `dir` is a directory handle or AT_FDCWD. All answer 0, a handle or a byte count, or `-errno`. */
export interface Libc {
  openat(dir: number, name: CString, flags: number, mode: number): number;
  close(fd: number): number;
  /** Fills `buffer` (StatBuffer.bytes). */
  statx(dir: number, name: CString, flags: number, mask: number, buffer: Uint8Array): number;
  pread(fd: number, buffer: Uint8Array, length: number, offset: number): number;
  pwrite(fd: number, bytes: Uint8Array, length: number, offset: number): number;
  ftruncate(fd: number, size: number): number;
  /** Offset of the next data or hole (SEEK_DATA, SEEK_HOLE); `-ENXIO` past the last. */
  lseek(fd: number, offset: number, whence: number): number;
  fchmod(fd: number, mode: number): number;
  /** Inode flags (FS_IOC_GETFLAGS), or `-errno`; the handle must not be an O_PATH one. */
  getInodeFlags(fd: number): number;
  /** Sets all inode flags (FS_IOC_SETFLAGS). */
  setInodeFlags(fd: number, flags: number): number;
  /** Follows links: for '/proc/self/fd/N' paths of handles that were opened without following. */
  chmod(path: CString, mode: number): number;
  /** 0xffffffff leaves an id as it is. */
  fchown(fd: number, uid: number, gid: number): number;
  fchownat(dir: number, name: CString, uid: number, gid: number, flags: number): number;
  /** `times` is TimesBuffer.bytes. */
  futimens(fd: number, times: Uint8Array): number;
  utimensat(dir: number, name: CString, times: Uint8Array, flags: number): number;
  mkdirat(dir: number, name: CString, mode: number): number;
  /** `mode` with its type bits. Major up to 4,095, minor up to 1,048,575. */
  mknodat(dir: number, name: CString, mode: number, major: number, minor: number): number;
  symlinkat(target: CString, dir: number, name: CString): number;
  readlinkat(dir: number, name: CString, buffer: Uint8Array): number;
  /** Does not follow a link at `from`. */
  linkat(fromDir: number, from: CString, toDir: number, to: CString): number;
  renameat(fromDir: number, from: CString, toDir: number, to: CString): number;
  /** As renameat, but never in place of something: `-EEXIST`. `-EINVAL` where the file system cannot promise that. */
  renameatExclusive(fromDir: number, from: CString, toDir: number, to: CString): number;
  unlinkat(dir: number, name: CString, flags: number): number;
  /** Fills `buffer` with entries (readDirectoryEntries); 0 at the end. */
  getdents64(fd: number, buffer: Uint8Array): number;
  /** Makes everything durable that was written to the file system of `fd`. */
  syncfs(fd: number): number;
  /** A lock that lasts until its handle is closed, also by the end of the process; LOCK_ constants. */
  flock(fd: number, operation: number): number;
  /** Fills `buffer` (FileSystemBuffer.bytes). */
  fstatvfs(fd: number, buffer: Uint8Array): number;
  /** Names, each ended by NUL. `null` asks for the length. The l-forms do not follow a link. */
  flistxattr(fd: number, buffer: Uint8Array | null): number;
  listxattr(path: CString, buffer: Uint8Array | null): number;
  llistxattr(path: CString, buffer: Uint8Array | null): number;
  fgetxattr(fd: number, name: CString, buffer: Uint8Array | null): number;
  getxattr(path: CString, name: CString, buffer: Uint8Array | null): number;
  lgetxattr(path: CString, name: CString, buffer: Uint8Array | null): number;
  fsetxattr(fd: number, name: CString, value: Uint8Array): number;
  setxattr(path: CString, name: CString, value: Uint8Array): number;
  lsetxattr(path: CString, name: CString, value: Uint8Array): number;
  fremovexattr(fd: number, name: CString): number;
  removexattr(path: CString, name: CString): number;
  geteuid(): number;
}

let opened: Libc | undefined | null = null;

/** The calls; undefined where they cannot be made. Cheap after the first call. */
export function libc(): Libc | undefined {
  if (opened === null) opened = openLibc();
  return opened;
}

function openLibc(): Libc | undefined {
  if (process.platform !== 'linux' || syscallNumbers[process.arch] === undefined) return undefined;
  const library = nativeLibrary();
  if (library === undefined) return undefined;
  const binder = new Binder(library);
  const bound = {
    ...bindHandles(binder),
    ...bindNames(binder),
    ...bindDirectories(binder),
    ...bindXattrs(binder),
    ...bindInodeFlags(binder),
  };
  return binder.complete ? bound : undefined;
}

type Call = (...args: readonly NativeArgument[]) => number;

/** Looks functions up and gives them the `-errno` answer. */
class Binder {
  readonly #library: NativeLibrary;
  /** False once a function was missing. */
  complete = true;

  constructor(library: NativeLibrary) {
    this.#library = library;
  }

  bind(prototype: string): Call {
    const found = this.#library.func(prototype);
    if (found === undefined) this.complete = false;
    return this.#answering(found ?? missing);
  }

  /** The function, or the system call of this number behind the same arguments. */
  bindOrSyscall(prototype: string, call: 'statx' | 'getdents64' | 'mknodat' | 'renameat2', parameters: string): Call {
    const found = this.#library.func(prototype);
    if (found !== undefined) return this.#answering(found);
    const number = syscallNumbers[process.arch]?.[call] ?? -1;
    const generic = this.bind(`int64_t syscall(int64_t, ${parameters})`);
    return (...args) => generic(number, ...args);
  }

  // koffi leaves errno as the call left it, so asking right after the call is safe.
  #answering(native: NativeFunction): Call {
    const library = this.#library;
    return (...args) => {
      const result = native(...args) as number;
      return result < 0 ? -library.errno() : result;
    };
  }
}

function missing(): number {
  return -1;
}

type HandleCalls =
  | 'close'
  | 'pread'
  | 'pwrite'
  | 'ftruncate'
  | 'lseek'
  | 'fchmod'
  | 'fchown'
  | 'futimens'
  | 'flock'
  | 'fstatvfs'
  | 'syncfs';

function bindHandles(binder: Binder): Pick<Libc, HandleCalls | 'geteuid'> {
  const fstatvfs = binder.bind('int fstatvfs(int, void*)');
  return {
    close: binder.bind('int close(int)'),
    pread: binder.bind('int64_t pread(int, void*, uint64_t, int64_t)'),
    pwrite: binder.bind('int64_t pwrite(int, const void*, uint64_t, int64_t)'),
    ftruncate: binder.bind('int ftruncate(int, int64_t)'),
    lseek: binder.bind('int64_t lseek(int, int64_t, int)'),
    fchmod: binder.bind('int fchmod(int, unsigned int)'),
    fchown: binder.bind('int fchown(int, unsigned int, unsigned int)'),
    futimens: binder.bind('int futimens(int, const void*)'),
    flock: binder.bind('int flock(int, int)'),
    fstatvfs: (fd, buffer) => fstatvfs(fd, buffer),
    syncfs: binder.bind('int syncfs(int)'),
    geteuid: binder.bind('unsigned int geteuid()'),
  };
}

type NameCalls = 'openat' | 'statx' | 'chmod' | 'fchownat' | 'utimensat' | 'symlinkat' | 'readlinkat' | 'linkat';

function bindNames(binder: Binder): Pick<Libc, NameCalls | 'renameat' | 'renameatExclusive' | 'unlinkat'> {
  const readlinkat = binder.bind('int64_t readlinkat(int, const void*, void*, uint64_t)');
  const linkat = binder.bind('int linkat(int, const void*, int, const void*, int)');
  const renameat2 = binder.bindOrSyscall(
    'int renameat2(int, const void*, int, const void*, unsigned int)',
    'renameat2',
    'int, const void*, int, const void*, unsigned int',
  );
  return {
    openat: binder.bind('int openat(int, const void*, int, unsigned int)'),
    statx: binder.bindOrSyscall(
      'int statx(int, const void*, int, unsigned int, void*)',
      'statx',
      'int, const void*, int, unsigned int, void*',
    ),
    chmod: binder.bind('int chmod(const void*, unsigned int)'),
    fchownat: binder.bind('int fchownat(int, const void*, unsigned int, unsigned int, int)'),
    utimensat: binder.bind('int utimensat(int, const void*, const void*, int)'),
    symlinkat: binder.bind('int symlinkat(const void*, int, const void*)'),
    readlinkat: (dir, name, buffer) => readlinkat(dir, name, buffer, buffer.length),
    linkat: (fromDir, from, toDir, to) => linkat(fromDir, from, toDir, to, 0),
    renameat: binder.bind('int renameat(int, const void*, int, const void*)'),
    renameatExclusive: (fromDir, from, toDir, to) => renameat2(fromDir, from, toDir, to, RENAME_NOREPLACE),
    unlinkat: binder.bind('int unlinkat(int, const void*, int)'),
  };
}

function bindDirectories(binder: Binder): Pick<Libc, 'mkdirat' | 'mknodat' | 'getdents64'> {
  const mknodat = binder.bindOrSyscall(
    'int mknodat(int, const void*, unsigned int, uint64_t)',
    'mknodat',
    'int, const void*, unsigned int, uint64_t',
  );
  const getdents64 = binder.bindOrSyscall(
    'int64_t getdents64(int, void*, uint64_t)',
    'getdents64',
    'int, void*, uint64_t',
  );
  return {
    mkdirat: binder.bind('int mkdirat(int, const void*, unsigned int)'),
    // dev_t as the kernel takes it: minor 0-7, major 8-19, rest of minor 20-31.
    mknodat: (dir, name, mode, major, minor) =>
      mknodat(dir, name, mode, ((minor & 0xff) | (major << 8) | ((minor & 0xfff00) << 12)) >>> 0),
    getdents64: (fd, buffer) => getdents64(fd, buffer, buffer.length),
  };
}

function bindInodeFlags(binder: Binder): Pick<Libc, 'getInodeFlags' | 'setInodeFlags'> {
  const ioctl = binder.bind('int ioctl(int, uint64_t, void*)');
  const flags = new Uint32Array(1);
  return {
    getInodeFlags: (fd) => {
      const answer = ioctl(fd, FS_IOC_GETFLAGS, flags);
      // Bit 31 is not in use: no flags look like an error.
      return answer < 0 ? answer : flags[0]! & 0x7fff_ffff;
    },
    setInodeFlags: (fd, wanted) => {
      flags[0] = wanted;
      return ioctl(fd, FS_IOC_SETFLAGS, flags);
    },
  };
}

type XattrCalls = Extract<keyof Libc, `${string}xattr`>;

function bindXattrs(binder: Binder): Pick<Libc, XattrCalls> {
  const list = (prototype: string) => {
    const call = binder.bind(prototype);
    return (where: number | CString, buffer: Uint8Array | null): number => call(where, buffer, buffer?.length ?? 0);
  };
  const get = (prototype: string) => {
    const call = binder.bind(prototype);
    return (where: number | CString, name: CString, buffer: Uint8Array | null): number =>
      call(where, name, buffer, buffer?.length ?? 0);
  };
  const set = (prototype: string) => {
    const call = binder.bind(prototype);
    return (where: number | CString, name: CString, value: Uint8Array): number =>
      call(where, name, value, value.length, 0);
  };
  return {
    flistxattr: list('int64_t flistxattr(int, void*, uint64_t)'),
    listxattr: list('int64_t listxattr(const void*, void*, uint64_t)'),
    llistxattr: list('int64_t llistxattr(const void*, void*, uint64_t)'),
    fgetxattr: get('int64_t fgetxattr(int, const void*, void*, uint64_t)'),
    getxattr: get('int64_t getxattr(const void*, const void*, void*, uint64_t)'),
    lgetxattr: get('int64_t lgetxattr(const void*, const void*, void*, uint64_t)'),
    fsetxattr: set('int fsetxattr(int, const void*, const void*, uint64_t, int)'),
    setxattr: set('int setxattr(const void*, const void*, const void*, uint64_t, int)'),
    lsetxattr: set('int lsetxattr(const void*, const void*, const void*, uint64_t, int)'),
    fremovexattr: binder.bind('int fremovexattr(int, const void*)'),
    removexattr: binder.bind('int removexattr(const void*, const void*)'),
  };
}
