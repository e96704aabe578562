/** Numbers of the C library that Node does not export. Linux, the same on x64 and arm64 unless a row says otherwise. */
import { constants } from 'node:fs';

/** Flags of openat; the rest are those of node:fs for this machine (O_DIRECTORY differs between x64 and arm64). */
export const openFlags: {
  readonly readOnly: number;
  readonly writeOnly: number;
  readonly create: number;
  readonly exclusive: number;
  readonly directory: number;
  readonly noFollow: number;
  readonly nonBlock: number;
  readonly noAtime: number;
  readonly closeOnExec: number;
  /** A handle for *at calls only; needs no permission on the entry itself. */
  readonly path: number;
} = {
  readOnly: constants.O_RDONLY,
  writeOnly: constants.O_WRONLY,
  create: constants.O_CREAT,
  exclusive: constants.O_EXCL,
  directory: constants.O_DIRECTORY ?? 0,
  noFollow: constants.O_NOFOLLOW ?? 0,
  nonBlock: constants.O_NONBLOCK ?? 0,
  noAtime: constants.O_NOATIME ?? 0,
  closeOnExec: 0o2000000,
  path: 0o10000000,
};

/** Directory argument of *at calls: the working directory. */
export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_EMPTY_PATH = 0x1000;

/** Flag of renameat2: never in place of something. */
export const RENAME_NOREPLACE = 1;

/** Everything of struct statx from before Linux 5.8, birth time included. */
export const STATX_ALL = 0xfff;

/** Nanosecond values of utimensat: leave the time as it is. */
export const UTIME_OMIT = 0x3ffffffe;

/** Requests of ioctl for inode flags (linux/fs.h); their argument is an int, whatever the number says. */
export const FS_IOC_GETFLAGS = 0x8008_6601;
export const FS_IOC_SETFLAGS = 0x4008_6602;

export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;

/** Operations of flock: take the lock alone, and answer -EAGAIN instead of waiting. */
export const LOCK_EX = 2;
export const LOCK_NB = 4;

/** Type bits of a mode. */
export const fileTypeBits: {
  readonly mask: number;
  readonly file: number;
  readonly directory: number;
  readonly symlink: number;
  readonly fifo: number;
  readonly charDevice: number;
  readonly blockDevice: number;
  readonly socket: number;
} = {
  mask: 0o170000,
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  fifo: 0o010000,
  charDevice: 0o020000,
  blockDevice: 0o060000,
  socket: 0o140000,
};

/** System call numbers, for filters and for calls the C library of some distributions has no wrapper for. */
export const syscallNumbers: Readonly<
  Record<
    string,
    {
      readonly statx: number;
      readonly getdents64: number;
      readonly mknodat: number;
      readonly renameat2: number;
      readonly seccomp: number;
      readonly fchown: number;
      readonly fchmod: number;
      readonly ioprioSet: number;
    }
  >
> = {
  x64: {
    statx: 332,
    getdents64: 217,
    mknodat: 259,
    renameat2: 316,
    seccomp: 317,
    fchown: 93,
    fchmod: 91,
    ioprioSet: 251,
  },
  arm64: {
    statx: 291,
    getdents64: 61,
    mknodat: 33,
    renameat2: 276,
    seccomp: 277,
    fchown: 55,
    fchmod: 52,
    ioprioSet: 30,
  },
};
