import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, lstatSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  accountCalls,
  CStringScratch,
  checked,
  cString,
  errno,
  errnoName,
  FileSystemBuffer,
  fileTypeBits,
  type Libc,
  LOCK_EX,
  LOCK_NB,
  libc,
  openFlags,
  readDirectoryEntries,
  SEEK_DATA,
  SEEK_HOLE,
  STATX_ALL,
  StatBuffer,
  SystemError,
  TimesBuffer,
} from './index.ts';

const calls = libc() as Libc;
const text = (value: string) => cString(Buffer.from(value));
let folder = '';
let dir = -1;

describe.skipIf(calls === undefined)('file calls of the C library', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kh-libc-'));
    dir = checked(calls.openat(AT_FDCWD, text(folder), openFlags.readOnly | openFlags.directory, 0), 'openat');
  });
  afterEach(() => {
    calls.close(dir);
    rmSync(folder, { recursive: true });
  });

  const create = (name: string) => {
    const flags = openFlags.writeOnly | openFlags.create | openFlags.exclusive;
    return checked(calls.openat(dir, text(name), flags, 0o600), 'openat');
  };
  const stat = (name: string) => {
    const buffer = new StatBuffer();
    checked(calls.statx(dir, text(name), AT_SYMLINK_NOFOLLOW, STATX_ALL, buffer.bytes), 'statx');
    return buffer;
  };

  it('writes a file and reads back what node:fs sees, times to the nanosecond', () => {
    const fd = create('a');
    expect(calls.pwrite(fd, Buffer.from('xhello'), 6, 2)).toBe(6);
    expect(calls.ftruncate(fd, 7)).toBe(0);
    expect(calls.fchmod(fd, 0o640)).toBe(0);
    const times = new TimesBuffer();
    times.setModified(-123_456_789_012_345_679n);
    expect(calls.futimens(fd, times.bytes)).toBe(0);
    expect(calls.close(fd)).toBe(0);
    const seen = lstatSync(join(folder, 'a'), { bigint: true });
    const buffer = stat('a');
    expect(readFileSync(join(folder, 'a'), 'latin1')).toBe('\0\0xhell');
    expect(seen.mtimeNs).toBe(-123_456_789_012_345_679n);
    expect(buffer.mtime).toBe(seen.mtimeNs);
    expect(buffer.ctime).toBe(seen.ctimeNs);
    expect(buffer.btime).toBe(seen.birthtimeNs);
    expect(BigInt(buffer.mode)).toBe(seen.mode);
    expect(buffer.inode).toBe(seen.ino);
    expect(BigInt(buffer.size)).toBe(seen.size);
    expect(BigInt(buffer.blocks)).toBe(seen.blocks);
    expect([buffer.uid, buffer.gid]).toEqual([Number(seen.uid), Number(seen.gid)]);
  });

  it('answers -errno and names it', () => {
    const result = calls.openat(dir, text('missing'), openFlags.readOnly, 0);
    expect(errnoName(-result)).toBe('ENOENT');
    expect(() => checked(result, 'openat', Buffer.from('mis\nsing'))).toThrow(SystemError);
    expect(() => checked(result, 'openat', Buffer.from('mis\nsing'))).toThrow(/ENOENT.*'mis\\x0asing'/);
    expect(errnoName(errno.EDQUOT)).toBe('EDQUOT');
    expect(errnoName(errno.ENODATA)).toBe('ENODATA');
    expect(errnoName(99999)).toBe('E99999');
  });

  it('makes directories, links, symlinks, FIFOs, sockets and devices, and removes them', () => {
    expect(calls.mkdirat(dir, text('d'), 0o700)).toBe(0);
    expect(calls.mkdirat(dir, text('d'), 0o700)).toBe(-errno.EEXIST);
    calls.close(create('f'));
    expect(calls.linkat(dir, text('f'), dir, text('g'))).toBe(0);
    expect(stat('g').linkCount).toBe(2);
    expect(calls.symlinkat(text('/no/where'), dir, text('l'))).toBe(0);
    const target = new Uint8Array(100);
    expect(Buffer.from(target.subarray(0, calls.readlinkat(dir, text('l'), target))).toString()).toBe('/no/where');
    expect(calls.mknodat(dir, text('p'), fileTypeBits.fifo | 0o600, 0, 0)).toBe(0);
    expect(calls.mknodat(dir, text('s'), fileTypeBits.socket | 0o600, 0, 0)).toBe(0);
    expect(calls.renameat(dir, text('g'), dir, text('h'))).toBe(0);
    const types = ['d', 'f', 'h', 'l', 'p', 's'].map((name) => (stat(name).mode & fileTypeBits.mask).toString(8));
    expect(types).toEqual(['40000', '100000', '100000', '120000', '10000', '140000']);
    if (process.getuid?.() === 0) {
      expect(calls.mknodat(dir, text('c'), fileTypeBits.charDevice | 0o600, 0xabc, 0xfedcb)).toBe(0);
      expect([stat('c').deviceMajor, stat('c').deviceMinor]).toEqual([0xabc, 0xfedcb]);
    }
    const names: string[] = [];
    const entries = new Uint8Array(64 * 1024);
    for (let length = 1; length > 0; ) {
      length = checked(calls.getdents64(dir, entries), 'getdents64');
      readDirectoryEntries(entries, length, (name) => names.push(Buffer.from(name).toString()));
    }
    expect(names.filter((name) => name !== 'c').sort()).toEqual(['d', 'f', 'h', 'l', 'p', 's']);
    expect(calls.unlinkat(dir, text('f'), 0)).toBe(0);
    expect(calls.unlinkat(dir, text('d'), 0)).toBe(-errno.EISDIR);
  });

  it('finds data and holes', () => {
    const fd = create('sparse');
    calls.ftruncate(fd, 1 << 20);
    calls.pwrite(fd, new Uint8Array(4096), 4096, 512 * 1024);
    const data = calls.lseek(fd, 0, SEEK_DATA);
    expect(data).toBeGreaterThan(0);
    expect(calls.lseek(fd, data, SEEK_HOLE)).toBe(516 * 1024);
    expect(calls.lseek(fd, 516 * 1024, SEEK_DATA)).toBe(-errno.ENXIO);
    calls.close(fd);
  });

  it('sets, lists, reads and removes extended attributes', () => {
    const fd = create('x');
    const name = text('user.kind');
    expect(calls.flistxattr(fd, null)).toBe(0);
    expect(calls.fsetxattr(fd, name, Uint8Array.of(0, 1, 2))).toBe(0);
    expect(calls.fsetxattr(fd, text('user.empty'), new Uint8Array(0))).toBe(0);
    const value = new Uint8Array(10);
    expect(calls.fgetxattr(fd, name, value)).toBe(3);
    expect([...value.subarray(0, 3)]).toEqual([0, 1, 2]);
    const path = text(join(folder, 'x'));
    expect(calls.llistxattr(path, null)).toBe('user.kind\0user.empty\0'.length);
    expect(calls.removexattr(path, name)).toBe(0);
    expect(calls.lgetxattr(path, name, value)).toBe(-errno.ENODATA);
    calls.close(fd);
  });

  it('locks a file until its handle is closed', () => {
    const first = create('locked');
    const open = (): number => calls.openat(dir, text('locked'), openFlags.readOnly, 0);
    const second = checked(open(), 'open');
    expect(calls.flock(first, LOCK_EX | LOCK_NB)).toBe(0);
    expect(calls.flock(second, LOCK_EX | LOCK_NB)).toBe(-errno.EAGAIN);
    calls.close(first);
    expect(calls.flock(second, LOCK_EX | LOCK_NB)).toBe(0);
    calls.close(second);
  });

  it('tells the free bytes', () => {
    const buffer = new FileSystemBuffer();
    checked(calls.fstatvfs(dir, buffer.bytes), 'fstatvfs');
    const seen = statfsSync(folder);
    expect(Math.abs(buffer.availableBytes - seen.bavail * seen.bsize)).toBeLessThan(1 << 28);
  });

  it('refuses names that C would cut short', () => {
    expect(() => cString(Buffer.from('a\0b'))).toThrow(/EINVAL/);
    expect(() => new CStringScratch().put(Buffer.from('a\0b'))).toThrow(/EINVAL/);
    expect(() => new CStringScratch().put(Buffer.alloc(4096, 97))).toThrow(/ENAMETOOLONG/);
  });

  it('reads shared memory and links made by others', () => {
    writeFileSync(join(folder, 'n'), '');
    linkSync(join(folder, 'n'), join(folder, 'm'));
    chmodSync(join(folder, 'n'), 0o4711);
    expect(stat('m').mode & 0o7777).toBe(0o4711);
    const shared = new Uint8Array(new SharedArrayBuffer(8), 4, 2);
    shared.set([104, 105]);
    const fd = create('shared');
    expect(calls.pwrite(fd, shared, 2, 0)).toBe(2);
    calls.close(fd);
    expect(readFileSync(join(folder, 'shared'), 'utf8')).toBe('hi');
  });
});

describe.skipIf(accountCalls() === undefined)('accounts of the system', () => {
  it('knows root by number and name, and nobody by a number out of range', () => {
    const accounts = accountCalls();
    const line = execFileSync('getent', ['group', '0'], { encoding: 'utf8' });
    expect(Buffer.from(accounts?.userName(0) ?? []).toString()).toBe('root');
    expect(Buffer.from(accounts?.groupName(0) ?? []).toString()).toBe(line.split(':')[0]);
    expect(accounts?.userId(Buffer.from('root'))).toBe(0);
    expect(accounts?.groupId(Buffer.from('root'))).toBe(0);
    expect(accounts?.userName(3_999_999_999)).toBeUndefined();
    expect(accounts?.userId(Buffer.from('no-such-user-here'))).toBeUndefined();
  });
});
