/** TreeDirectory over directory handles: names of any bytes at any depth. */
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  type CStringScratch,
  checked,
  cString,
  errno,
  fileTypeBits,
  type Libc,
  openFlags,
  STATX_ALL,
  type StatBuffer,
  SystemError,
} from '@keephold/ffi';
import { readNames } from '../target/read-names.ts';
import type { XattrReader, XattrReading } from '../xattrs.ts';
import { compareNames, type EntryStat, type TreeDirectory } from './tree-directory.ts';

const DIRECTORY = openFlags.readOnly | openFlags.directory | openFlags.closeOnExec;
const FILE = openFlags.readOnly | openFlags.noFollow | openFlags.nonBlock | openFlags.closeOnExec;
const EMPTY = cString(new Uint8Array(0));
const MAX_LINK = 4096;

/** What one comparison shares, so that a call allocates no buffer. */
export interface NativeAccess {
  readonly libc: Libc;
  readonly xattrs: XattrReader;
  readonly stat: StatBuffer;
  readonly name: CStringScratch;
}

export function openNativeDirectory(access: NativeAccess, path: string): TreeDirectory {
  const bytes = Buffer.from(path);
  return new NativeDirectory(
    access,
    checked(access.libc.openat(AT_FDCWD, cString(bytes), DIRECTORY, 0), 'open', bytes),
  );
}

class NativeDirectory implements TreeDirectory {
  readonly #access: NativeAccess;
  readonly #fd: number;

  constructor(access: NativeAccess, fd: number) {
    this.#access = access;
    this.#fd = fd;
  }

  names(): readonly string[] {
    const names = readNames(this.#access.libc, this.#fd);
    return names.map((name) => Buffer.from(name).toString('latin1')).sort(compareNames);
  }

  stat(name: string): EntryStat {
    const { libc, stat } = this.#access;
    const bytes = this.#put(name);
    checked(libc.statx(this.#fd, bytes, AT_SYMLINK_NOFOLLOW, STATX_ALL, stat.bytes), 'statx', latin1(name));
    return entryStat(stat);
  }

  statSelf(): EntryStat {
    const { libc, stat } = this.#access;
    checked(libc.statx(this.#fd, EMPTY, AT_EMPTY_PATH, STATX_ALL, stat.bytes), 'statx');
    return entryStat(stat);
  }

  linkTarget(name: string): Uint8Array {
    const buffer = new Uint8Array(MAX_LINK);
    const length = checked(this.#access.libc.readlinkat(this.#fd, this.#put(name), buffer), 'readlinkat', latin1(name));
    return buffer.slice(0, length);
  }

  openFile(name: string): number {
    // Only the owner of a file may ask to leave its access time alone.
    const quiet = this.#access.libc.openat(this.#fd, this.#put(name), FILE | openFlags.noAtime, 0);
    if (quiet !== -errno.EPERM) return checked(quiet, 'openat', latin1(name));
    return checked(this.#access.libc.openat(this.#fd, this.#put(name), FILE, 0), 'openat', latin1(name));
  }

  xattrs(name: string): XattrReading {
    return name === '' ? this.#access.xattrs.readOpen(this.#fd) : this.#access.xattrs.readAt(this.#fd, latin1(name));
  }

  enter(name: string): TreeDirectory {
    const flags = DIRECTORY | openFlags.noFollow;
    const fd = this.#access.libc.openat(this.#fd, this.#put(name), flags, 0);
    return new NativeDirectory(this.#access, checked(fd, 'openat', latin1(name)));
  }

  close(): void {
    this.#access.libc.close(this.#fd);
  }

  #put(name: string): Uint8Array {
    if (name === '') throw new SystemError('name', errno.ENOENT);
    return this.#access.name.put(latin1(name));
  }
}

function entryStat(stat: StatBuffer): EntryStat {
  const type = stat.mode & fileTypeBits.mask;
  const isDevice = type === fileTypeBits.charDevice || type === fileTypeBits.blockDevice;
  return {
    mode: stat.mode,
    uid: stat.uid,
    gid: stat.gid,
    size: stat.size,
    mtime: stat.mtime,
    ctime: stat.ctime,
    identity: stat.linkCount > 1 ? `${stat.inode}:${stat.fileSystem}` : '',
    linkCount: stat.linkCount,
    blocks: stat.blocks,
    device: isDevice ? `${stat.deviceMajor}:${stat.deviceMinor}` : '',
  };
}

function latin1(name: string): Uint8Array {
  return Buffer.from(name, 'latin1');
}
