/**
 * Structures the kernel fills, read in place without making objects. Layouts: struct statx of linux/stat.h, struct
 * linux_dirent64 of getdents64(2), struct statvfs of sys/statvfs.h, struct timespec; little-endian, 64-bit, the same on
 * x64 and arm64, glibc and musl.
 */
import { UTIME_OMIT } from './libc-constants.ts';

const NANOSECONDS = 1_000_000_000n;

/** What statx fills. Reading it after the next statx call gives the next answer. */
export class StatBuffer {
  readonly bytes: Uint8Array = new Uint8Array(256);
  readonly #view = new DataView(this.bytes.buffer);

  /** Type and permission bits. */
  get mode(): number {
    return this.#view.getUint16(28, true);
  }
  /** Inode flags and more (STATX_ATTR_*), the lower 32 bits. */
  get attributes(): number {
    return this.#view.getUint32(8, true);
  }
  get linkCount(): number {
    return this.#view.getUint32(16, true);
  }
  get uid(): number {
    return this.#view.getUint32(20, true);
  }
  get gid(): number {
    return this.#view.getUint32(24, true);
  }
  get inode(): bigint {
    return this.#view.getBigUint64(32, true);
  }
  /** Bytes; sizes above 2^53 come back rounded, no file system makes such files. */
  get size(): number {
    return this.#view.getUint32(40, true) + this.#view.getUint32(44, true) * 0x1_0000_0000;
  }
  /** 512-byte units on the disk. */
  get blocks(): number {
    return this.#view.getUint32(48, true) + this.#view.getUint32(52, true) * 0x1_0000_0000;
  }
  get mtime(): bigint {
    return this.#time(112);
  }
  get ctime(): bigint {
    return this.#time(96);
  }
  /** Undefined where the file system has none. */
  get btime(): bigint | undefined {
    return (this.#view.getUint32(0, true) & 0x800) === 0 ? undefined : this.#time(80);
  }
  get deviceMajor(): number {
    return this.#view.getUint32(128, true);
  }
  get deviceMinor(): number {
    return this.#view.getUint32(132, true);
  }
  /** File system the entry is on: major in the upper, minor in the lower half. */
  get fileSystem(): bigint {
    return (BigInt(this.#view.getUint32(136, true)) << 32n) | BigInt(this.#view.getUint32(140, true));
  }

  #time(offset: number): bigint {
    return this.#view.getBigInt64(offset, true) * NANOSECONDS + BigInt(this.#view.getUint32(offset + 8, true));
  }
}

/** Two timespecs for utimensat: access time left alone, modification time as given. */
export class TimesBuffer {
  readonly bytes: Uint8Array = new Uint8Array(32);
  readonly #view = new DataView(this.bytes.buffer);

  constructor() {
    this.#view.setBigInt64(8, BigInt(UTIME_OMIT), true);
  }

  /** UTC nanoseconds, negative before 1970. */
  setModified(mtime: bigint): void {
    let seconds = mtime / NANOSECONDS;
    let rest = mtime % NANOSECONDS;
    if (rest < 0n) {
      seconds -= 1n;
      rest += NANOSECONDS;
    }
    this.#view.setBigInt64(16, seconds, true);
    this.#view.setBigInt64(24, rest, true);
  }
}

/** What fstatvfs fills. */
export class FileSystemBuffer {
  readonly bytes: Uint8Array = new Uint8Array(256);
  readonly #view = new DataView(this.bytes.buffer);

  /** Bytes a process without special rights can still write. */
  get availableBytes(): number {
    return Number(this.#view.getBigUint64(8, true) * this.#view.getBigUint64(32, true));
  }
}

/** Calls back for each entry of a filled getdents64 buffer, '.' and '..' left out; `name` is a copy. */
export function readDirectoryEntries(
  buffer: Uint8Array,
  length: number,
  entry: (name: Uint8Array, type: number, inode: bigint) => void,
): void {
  const view = new DataView(buffer.buffer, buffer.byteOffset, length);
  for (let at = 0; at < length; ) {
    const recordLength = view.getUint16(at + 16, true);
    const end = buffer.indexOf(0, at + 19);
    const name = buffer.slice(at + 19, end);
    if (!isDots(name)) entry(name, buffer[at + 18] ?? 0, view.getBigUint64(at, true));
    at += recordLength;
  }
}

function isDots(name: Uint8Array): boolean {
  return name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e));
}
