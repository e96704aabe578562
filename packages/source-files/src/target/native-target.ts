/**
 * The Target seam over directory handles (Linux): every entry is reached from its parent's handle, no link is ever
 * followed below the root, and names are any bytes up to any depth. Contract: engine's target.ts, security.md §8.
 */
import { threadId } from 'node:worker_threads';
import {
  type ExistingEntry,
  type MetadataProblem,
  NodeType,
  type RestoredMetadata,
  type Target,
  type TreeNode,
} from '@keephold/engine';
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  CStringScratch,
  checked,
  cString,
  errno,
  FileSystemBuffer,
  fileTypeBits,
  type Libc,
  openFlags,
  STATX_ALL,
  StatBuffer,
  SystemError,
} from '@keephold/ffi';
import { TargetError } from '../errors.ts';
import type { OwnerNames } from '../owner-names.ts';
import { printablePath } from '../printable-path.ts';
import { type DirectoryHandle, DirectoryHandles } from './directory-handles.ts';
import { OpenFileHandle, PathHandle } from './entry-handle.ts';
import { EntryMetadata } from './entry-metadata.ts';
import { freeBytesNear } from './free-bytes.ts';
import { makeRoot } from './make-root.ts';
import { OwnerRules } from './owner-rules.ts';
import { readNames } from './read-names.ts';
import { makeAccessible, removeTree } from './remove-tree.ts';
import type { TargetConfig } from './target-config.ts';
import { nameStart, parentLength } from './target-path.ts';
import { temporaryName } from './temporary-names.ts';

const CREATE =
  openFlags.writeOnly | openFlags.create | openFlags.exclusive | openFlags.noFollow | openFlags.closeOnExec;
const PATH_ONLY = openFlags.path | openFlags.noFollow | openFlags.closeOnExec;
const MAX_TRIES = 10_000;

/** The directory an entry is in, and its name ready for a call. Valid until the next one is asked for. */
interface Place {
  readonly path: Uint8Array;
  readonly start: number;
  parent: DirectoryHandle;
}

interface OpenFile {
  readonly parent: DirectoryHandle;
  readonly path: Uint8Array;
  readonly finalName: Uint8Array;
  /** The name it has until it is whole. */
  readonly temporary: Uint8Array;
  /** Whether it may take another's place. */
  readonly replaces: boolean;
  readonly size: number;
  /** End of the last byte written. */
  end: number;
}

export class NativeTarget implements Target {
  readonly #libc: Libc;
  readonly #config: TargetConfig;
  readonly #metadata: EntryMetadata;
  readonly #fileHandle: OpenFileHandle;
  readonly #pathHandle: PathHandle;
  readonly #name = new CStringScratch();
  readonly #otherName = new CStringScratch();
  readonly #stat = new StatBuffer();
  readonly #files = new Map<number, OpenFile>();
  #directories: DirectoryHandles | undefined;
  #temporaries = 0;

  constructor(libc: Libc, config: TargetConfig, names: OwnerNames) {
    this.#libc = libc;
    this.#config = config;
    const owners = new OwnerRules({ ...config, names, ownGroups: ownGroups() });
    this.#metadata = new EntryMetadata({ privileged: config.privileged, owners });
    this.#fileHandle = new OpenFileHandle(libc);
    this.#pathHandle = new PathHandle(libc);
  }

  inspect(path: Uint8Array): ExistingEntry | undefined {
    const place = this.#placeIfThere(path);
    if (place === undefined) return undefined;
    const result = this.#inParent(place, (dir, name) => this.#statAt(dir, name));
    if (result === -errno.ENOENT) return undefined;
    checked(result, 'statx', path);
    const { mode, size, mtime, inode, uid, gid } = this.#stat;
    return { type: nodeTypeOf(mode), size, mtime, mode: mode & 0o7777, uid, gid, inode };
  }

  hasAttributes(path: Uint8Array): boolean {
    const place = this.#place(path);
    const fd = checked(this.#libc.openat(place.parent.fd, this.#nameOf(place), PATH_ONLY, 0), 'openat', path);
    try {
      return this.#metadata.hasAttributes(this.#pathHandle.at(fd));
    } finally {
      this.#libc.close(fd);
    }
  }

  list(path: Uint8Array): readonly Uint8Array[] {
    const directory = this.#directory(path);
    const flags = openFlags.readOnly | openFlags.directory | openFlags.closeOnExec;
    const fd = checked(this.#libc.openat(directory.fd, DOT, flags, 0), 'openat', path);
    try {
      return readNames(this.#libc, fd, path);
    } finally {
      this.#libc.close(fd);
    }
  }

  makeDirectory(path: Uint8Array): void {
    if (path.length === 0) {
      if (this.#directories === undefined) makeRoot(this.#config.root);
      this.#open();
      return;
    }
    const place = this.#place(path);
    const result = this.#inParent(place, (dir, name) => this.#libc.mkdirat(dir, name, 0o700));
    if (result !== -errno.EEXIST) {
      checked(result, 'mkdirat', path);
      return;
    }
    const name = this.#nameOf(place);
    checked(this.#statAt(place.parent.fd, name), 'statx', path);
    if ((this.#stat.mode & fileTypeBits.mask) !== fileTypeBits.directory) checked(result, 'mkdirat', path);
    // A directory finished by an earlier run may be closed to its owner; its mode is set again when all is done.
    makeAccessible(this.#libc, place.parent.fd, name, this.#stat);
  }

  createFile(path: Uint8Array, size: number, options: { readonly replace: boolean }): number {
    if (!Number.isSafeInteger(size) || size < 0)
      throw new TargetError('bad-handle', `create file: no valid size: ${size}`);
    const place = this.#place(path);
    if (!options.replace) this.#requireFree(place);
    const finalName = path.slice(place.start);
    const { fd, temporary } = this.#createTemporary(place);
    checked(fd, 'openat', path);
    place.parent.users++;
    const { replace: replaces } = options;
    this.#files.set(fd, { parent: place.parent, path: path.slice(), finalName, temporary, replaces, size, end: 0 });
    return fd;
  }

  writeAt(handle: number, bytes: Uint8Array, offset: number): void {
    const file = this.#file(handle);
    const end = offset + bytes.length;
    if (offset < 0 || end > file.size) {
      throw new TargetError('bad-handle', `write: ${offset}+${bytes.length} is outside the file's ${file.size} bytes`);
    }
    let done = 0;
    while (done < bytes.length) {
      const rest = done === 0 ? bytes : bytes.subarray(done);
      const written = this.#libc.pwrite(handle, rest, rest.length, offset + done);
      if (written === -errno.EINTR) continue;
      if (written === 0) throw new SystemError('pwrite', errno.EIO, file.path);
      done += checked(written, 'pwrite', file.path);
    }
    if (end > file.end) file.end = end;
  }

  finishFile(handle: number, metadata: RestoredMetadata): readonly MetadataProblem[] {
    const file = this.#file(handle);
    try {
      // What was not written is a hole, at the end too.
      if (file.end < file.size) checked(this.#libc.ftruncate(handle, file.size), 'ftruncate', file.path);
      const entry = this.#fileHandle.at(handle);
      const { problems, defaults } = this.#metadata.applyToNewFile(entry, metadata, file.parent.defaults);
      file.parent.defaults = defaults;
      this.#takePlace(file);
      this.#forgetFile(handle, file);
      return problems;
    } catch (error) {
      this.abandonFile(handle);
      throw error;
    }
  }

  abandonFile(handle: number): void {
    const file = this.#file(handle);
    this.#libc.unlinkat(file.parent.fd, this.#name.put(file.temporary), 0);
    this.#forgetFile(handle, file);
  }

  makeSymlink(path: Uint8Array, linkTarget: Uint8Array, metadata: RestoredMetadata): readonly MetadataProblem[] {
    const place = this.#place(path);
    const target = this.#otherName.put(linkTarget);
    checked(
      this.#inParent(place, (dir, name) => this.#libc.symlinkat(target, dir, name)),
      'symlinkat',
      path,
    );
    return this.#applyAt(place, metadata, fileTypeBits.symlink);
  }

  makeHardLink(path: Uint8Array, existing: Uint8Array): void {
    const from = this.#place(existing);
    // Held, because opening the other directory may push it out of the cache.
    from.parent.users++;
    try {
      const to = this.#place(path);
      const existingName = this.#otherName.put(existing.subarray(from.start));
      const link = (dir: number, name: Parameters<Libc['linkat']>[3]) =>
        this.#libc.linkat(from.parent.fd, existingName, dir, name);
      checked(this.#inParent(to, link), 'linkat', path);
    } finally {
      this.#handles().release(from.parent);
    }
  }

  makeSpecial(
    path: Uint8Array,
    node: Pick<TreeNode, 'type' | 'device'>,
    metadata: RestoredMetadata,
  ): readonly MetadataProblem[] {
    const type = specialBits(node.type, path);
    const [major, minor] = node.device ?? [0, 0];
    const isDevice = node.type === NodeType.charDevice || node.type === NodeType.blockDevice;
    if (isDevice && !this.#config.privileged) {
      throw new TargetError('not-permitted', `make device: needs the privileged option: '${printablePath(path)}'`);
    }
    if (isDevice && !isDeviceNumber(major, minor)) throw new SystemError('mknodat', errno.EINVAL, path);
    const place = this.#place(path);
    const make = (dir: number, name: Parameters<Libc['mknodat']>[1]) =>
      this.#libc.mknodat(dir, name, type | 0o600, major, minor);
    checked(this.#inParent(place, make), 'mknodat', path);
    return this.#applyAt(place, metadata, type);
  }

  applyMetadata(path: Uint8Array, metadata: RestoredMetadata): readonly MetadataProblem[] {
    if (path.length > 0) return this.#applyAt(this.#place(path), metadata, undefined);
    return this.#metadata.applyToExisting(this.#pathHandle.at(this.#handles().root.fd), metadata);
  }

  protect(path: Uint8Array, flags: number): readonly MetadataProblem[] {
    if (path.length === 0) return this.#metadata.protect(this.#pathHandle.at(this.#handles().root.fd), flags);
    const place = this.#place(path);
    const fd = checked(this.#libc.openat(place.parent.fd, this.#nameOf(place), PATH_ONLY, 0), 'openat', path);
    try {
      return this.#metadata.protect(this.#pathHandle.at(fd), flags);
    } finally {
      this.#libc.close(fd);
    }
  }

  remove(path: Uint8Array): void {
    const place = this.#place(path);
    const result = this.#inParent(place, (dir, name) => this.#libc.unlinkat(dir, name, 0));
    if (result !== -errno.EISDIR && result !== -errno.EPERM) {
      checked(result, 'unlinkat', path);
      return;
    }
    checked(this.#statAt(place.parent.fd, this.#nameOf(place)), 'statx', path);
    if ((this.#stat.mode & fileTypeBits.mask) !== fileTypeBits.directory) checked(result, 'unlinkat', path);
    removeTree(this.#libc, place.parent.fd, path, place.start);
    this.#handles().forget(path, path.length);
  }

  sync(): void {
    const { root } = this.#handles();
    // The root's own handle is for names only.
    const flags = openFlags.readOnly | openFlags.directory | openFlags.closeOnExec;
    const fd = checked(this.#libc.openat(root.fd, DOT, flags, 0), 'openat');
    try {
      checked(this.#libc.syncfs(fd), 'syncfs');
    } finally {
      this.#libc.close(fd);
    }
  }

  freeBytes(): number {
    if (this.#directories === undefined) return freeBytesNear(this.#config.root);
    const buffer = new FileSystemBuffer();
    checked(this.#libc.fstatvfs(this.#directories.root.fd, buffer.bytes), 'fstatvfs');
    return buffer.availableBytes;
  }

  close(): void {
    for (const handle of this.#files.keys()) this.abandonFile(handle);
    this.#directories?.close();
    this.#directories = undefined;
  }

  #applyAt(place: Place, metadata: RestoredMetadata, type: number | undefined): readonly MetadataProblem[] {
    const fd = this.#libc.openat(place.parent.fd, this.#nameOf(place), PATH_ONLY, 0);
    checked(fd, 'openat', place.path);
    try {
      const entry = this.#pathHandle.at(fd);
      checked(entry.stat(this.#stat), 'statx', place.path);
      if (type !== undefined && (this.#stat.mode & fileTypeBits.mask) !== type) {
        throw new TargetError(
          'link-in-path',
          `restore: replaced by someone else meanwhile: '${printablePath(place.path)}'`,
        );
      }
      return this.#metadata.applyToExisting(entry, metadata);
    } finally {
      this.#libc.close(fd);
    }
  }

  #requireFree({ parent, path, start }: Place): void {
    const result = this.#statAt(parent.fd, this.#name.put(path.subarray(start)));
    if (result === 0) throw new SystemError('openat', errno.EEXIST, path);
    if (result !== -errno.ENOENT) checked(result, 'statx', path);
  }

  /** Whoever is killed leaves no part of a file under its name. */
  #createTemporary(place: Place): { readonly fd: number; readonly temporary: Uint8Array } {
    for (let tries = 0; ; tries++) {
      const temporary = temporaryName(process.pid, threadId, this.#temporaries++);
      const name = this.#otherName.put(temporary);
      const fd = this.#inParent(place, (dir) => this.#libc.openat(dir, name, CREATE, 0o600));
      if (fd !== -errno.EEXIST || tries >= MAX_TRIES) return { fd, temporary };
    }
  }

  #takePlace(file: OpenFile): void {
    const { fd } = file.parent;
    const from = this.#name.put(file.temporary);
    const to = this.#otherName.put(file.finalName);
    if (!file.replaces) {
      const result = this.#libc.renameatExclusive(fd, from, fd, to);
      if (result !== -errno.EINVAL && result !== -errno.ENOSYS) {
        checked(result, 'renameat2', file.path);
        return;
      }
      // A file system that cannot promise it; what came there meanwhile is not seen.
      if (this.#statAt(fd, to) === 0) throw new SystemError('renameat', errno.EEXIST, file.path);
    }
    checked(this.#libc.renameat(fd, from, fd, to), 'renameat', file.path);
  }

  #forgetFile(handle: number, file: OpenFile): void {
    this.#files.delete(handle);
    this.#libc.close(handle);
    this.#handles().release(file.parent);
  }

  #file(handle: number): OpenFile {
    const file = this.#files.get(handle);
    if (file === undefined) throw new TargetError('bad-handle', `restore: no open file has handle ${handle}`);
    return file;
  }

  /** Calls once, and once more when the cached parent turns out to have been removed and made anew meanwhile. */
  #inParent(place: Place, call: (dir: number, name: ReturnType<CStringScratch['put']>) => number): number {
    const result = call(place.parent.fd, this.#nameOf(place));
    if (result !== -errno.ENOENT || !this.#handles().isGone(place.parent)) return result;
    this.#handles().forget(place.path, parentLength(place.start));
    const fresh = this.#handles().directory(place.path, parentLength(place.start));
    place.parent = fresh;
    return call(fresh.fd, this.#nameOf(place));
  }

  #place(path: Uint8Array): Place {
    const start = nameStart(path);
    return { path, start, parent: this.#handles().directory(path, parentLength(start)) };
  }

  #placeIfThere(path: Uint8Array): Place | undefined {
    try {
      return this.#place(path);
    } catch (error) {
      if (error instanceof SystemError && error.code === 'ENOENT') return undefined;
      if (error instanceof TargetError && error.code === 'link-in-path') return undefined;
      throw error;
    }
  }

  #directory(path: Uint8Array): DirectoryHandle {
    if (path.length > 0) nameStart(path);
    return this.#handles().directory(path, path.length);
  }

  #nameOf(place: Place): ReturnType<CStringScratch['put']> {
    return this.#name.put(place.path.subarray(place.start));
  }

  #statAt(dir: number, name: ReturnType<CStringScratch['put']>): number {
    return this.#libc.statx(dir, name, AT_SYMLINK_NOFOLLOW, STATX_ALL, this.#stat.bytes);
  }

  #handles(): DirectoryHandles {
    return this.#directories ?? this.#open();
  }

  #open(): DirectoryHandles {
    if (this.#directories !== undefined) return this.#directories;
    const root = Buffer.from(this.#config.root);
    const flags = openFlags.path | openFlags.directory | openFlags.closeOnExec;
    const fd = checked(this.#libc.openat(AT_FDCWD, cString(root), flags, 0), 'open', root);
    this.#directories = new DirectoryHandles(this.#libc, fd);
    return this.#directories;
  }
}

const DOT = cString(Buffer.from('.'));

function ownGroups(): ReadonlySet<number> {
  return new Set([...(process.getgroups?.() ?? []), ...(process.getegid === undefined ? [] : [process.getegid()])]);
}

function nodeTypeOf(mode: number): NodeType {
  const type = mode & fileTypeBits.mask;
  if (type === fileTypeBits.directory) return NodeType.directory;
  if (type === fileTypeBits.symlink) return NodeType.symlink;
  if (type === fileTypeBits.fifo) return NodeType.fifo;
  if (type === fileTypeBits.charDevice) return NodeType.charDevice;
  if (type === fileTypeBits.blockDevice) return NodeType.blockDevice;
  if (type === fileTypeBits.socket) return NodeType.socket;
  return NodeType.file;
}

function specialBits(type: NodeType, path: Uint8Array): number {
  if (type === NodeType.fifo) return fileTypeBits.fifo;
  if (type === NodeType.charDevice) return fileTypeBits.charDevice;
  if (type === NodeType.blockDevice) return fileTypeBits.blockDevice;
  if (type === NodeType.socket) return fileTypeBits.socket;
  throw new TargetError('unsupported', `make special file: type ${type} is none: '${printablePath(path)}'`);
}

function isDeviceNumber(major: number, minor: number): boolean {
  return (
    Number.isInteger(major) &&
    Number.isInteger(minor) &&
    major >= 0 &&
    major <= 0xfff &&
    minor >= 0 &&
    minor <= 0xf_ffff
  );
}
