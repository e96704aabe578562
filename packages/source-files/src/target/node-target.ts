/**
 * The Target seam over node:fs, for systems without directory handles (macOS, Windows, koffi missing). It checks each
 * part of a path for links before every call; between check and call someone else could still exchange a part, which
 * `targetCapabilities` says. Metadata that node:fs cannot set comes back as problems.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { threadId } from 'node:worker_threads';
import {
  type ExistingEntry,
  type MetadataProblem,
  NodeType,
  type RestoredMetadata,
  type Target,
  type TreeNode,
} from '@keephold/engine';
import { TargetError } from '../errors.ts';
import type { OwnerNames } from '../owner-names.ts';
import { printablePath } from '../printable-path.ts';
import { freeBytesNear } from './free-bytes.ts';
import { makeRoot } from './make-root.ts';
import { type NodePath, NodePaths } from './node-paths.ts';
import { OwnerRules } from './owner-rules.ts';
import type { TargetConfig } from './target-config.ts';
import { temporaryName } from './temporary-names.ts';

interface OpenFile {
  readonly path: Uint8Array;
  readonly finalPath: NodePath;
  /** The name it has until it is whole. */
  readonly temporary: NodePath;
  /** Whether it may take another's place. */
  readonly replaces: boolean;
  readonly size: number;
}

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
const MAX_TRIES = 10_000;

export class NodeTarget implements Target {
  readonly #config: TargetConfig;
  readonly #paths: NodePaths;
  readonly #owners: OwnerRules;
  readonly #files = new Map<number, OpenFile>();
  #temporaries = 0;

  constructor(config: TargetConfig, names: OwnerNames) {
    this.#config = config;
    this.#paths = new NodePaths(config.root);
    const ownGroups = new Set([...(process.getgroups?.() ?? []), process.getegid?.() ?? 0]);
    this.#owners = new OwnerRules({ ...config, names, ownGroups });
  }

  inspect(path: Uint8Array): ExistingEntry | undefined {
    if (!this.#paths.parentIsThere(path)) return undefined;
    const stat = lstatSync(this.#paths.entry(path), { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    const mode = Number(stat.mode);
    return {
      type: nodeTypeOf(mode),
      size: Number(stat.size),
      mtime: stat.mtimeNs,
      mode: mode & 0o7777,
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      inode: stat.ino,
    };
  }

  /** node:fs knows of none. */
  hasAttributes(): boolean {
    return false;
  }

  list(path: Uint8Array): readonly Uint8Array[] {
    return readdirSync(this.#paths.directory(path), { encoding: 'buffer' });
  }

  makeDirectory(path: Uint8Array): void {
    if (path.length === 0) {
      makeRoot(this.#config.root);
      return;
    }
    const at = this.#paths.entry(path);
    try {
      mkdirSync(at, { mode: 0o700 });
    } catch (error) {
      const stat = lstatSync(at, { throwIfNoEntry: false });
      if (!stat?.isDirectory()) throw error;
      if ((stat.mode & 0o700) !== 0o700 && stat.uid === process.geteuid?.())
        chmodSync(at, (stat.mode & 0o7777) | 0o700);
    }
  }

  createFile(path: Uint8Array, size: number, options: { readonly replace: boolean }): number {
    if (!Number.isSafeInteger(size) || size < 0)
      throw new TargetError('bad-handle', `create file: no valid size: ${size}`);
    const finalPath = this.#paths.entry(path);
    if (!options.replace && lstatSync(finalPath, { throwIfNoEntry: false }) !== undefined) throw nameTaken(path);
    const { fd, temporary } = this.#openTemporary(path);
    this.#files.set(fd, { path: path.slice(), finalPath, temporary, replaces: options.replace, size });
    try {
      if (size > 0) ftruncateSync(fd, size);
    } catch (error) {
      this.abandonFile(fd);
      throw error;
    }
    return fd;
  }

  writeAt(handle: number, bytes: Uint8Array, offset: number): void {
    const file = this.#file(handle);
    if (offset < 0 || offset + bytes.length > file.size) {
      throw new TargetError('bad-handle', `write: ${offset}+${bytes.length} is outside the file's ${file.size} bytes`);
    }
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(handle, bytes, done, bytes.length - done, offset + done);
    }
  }

  finishFile(handle: number, metadata: RestoredMetadata): readonly MetadataProblem[] {
    const file = this.#file(handle);
    try {
      const problems: MetadataProblem[] = [];
      this.#setOwner(file.temporary, metadata, problems, (uid, gid) => fchownSync(handle, uid, gid));
      attempt('mode', problems, () => fchmodSync(handle, this.#allowedMode(metadata.mode, problems)));
      attempt('times', problems, () => futimesSync(handle, seconds(metadata.mtime), seconds(metadata.mtime)));
      closeSync(handle);
      this.#files.delete(handle);
      takePlace(file);
      this.#finishProblems(file.path, file.finalPath, metadata, problems);
      return problems;
    } catch (error) {
      if (this.#files.has(handle)) this.abandonFile(handle);
      else rmSync(file.temporary, { force: true });
      throw error;
    }
  }

  abandonFile(handle: number): void {
    const file = this.#file(handle);
    this.#files.delete(handle);
    closeSync(handle);
    rmSync(file.temporary, { force: true });
  }

  makeSymlink(path: Uint8Array, linkTarget: Uint8Array, metadata: RestoredMetadata): readonly MetadataProblem[] {
    if (linkTarget.includes(0)) throw new TargetError('unsafe-path', 'make link: NUL in its target');
    symlinkSync(Buffer.from(linkTarget), this.#paths.entry(path));
    return this.applyMetadata(path, metadata);
  }

  makeHardLink(path: Uint8Array, existing: Uint8Array): void {
    linkSync(this.#paths.entry(existing), this.#paths.entry(path));
  }

  makeSpecial(path: Uint8Array, node: Pick<TreeNode, 'type' | 'device'>): readonly MetadataProblem[] {
    throw new TargetError(
      'unsupported',
      `make special file of type ${node.type}: not possible on this system: '${printablePath(path)}'`,
    );
  }

  applyMetadata(path: Uint8Array, metadata: RestoredMetadata): readonly MetadataProblem[] {
    const at = path.length === 0 ? this.#paths.directory(path) : this.#paths.entry(path);
    const problems: MetadataProblem[] = [];
    const isLink = lstatSync(at).isSymbolicLink();
    this.#setOwner(at, metadata, problems, (uid, gid) => lchownSync(at, uid, gid));
    if (!isLink) attempt('mode', problems, () => chmodSync(at, this.#allowedMode(metadata.mode, problems)));
    const setTimes = isLink ? lutimesSync : utimesSync;
    attempt('times', problems, () => setTimes(at, seconds(metadata.mtime), seconds(metadata.mtime)));
    this.#finishProblems(path, at, metadata, problems);
    return problems;
  }

  /** What cannot be set was told with the rest of the metadata. */
  protect(): readonly MetadataProblem[] {
    return [];
  }

  remove(path: Uint8Array): void {
    rmSync(this.#paths.entry(path), { recursive: true });
  }

  sync(): void {
    // Node has no call for it, and syncing every file by itself would take longer than writing it. Windows has neither.
    if (process.platform !== 'win32') execFileSync('sync');
  }

  freeBytes(): number {
    return freeBytesNear(this.#config.root);
  }

  close(): void {
    for (const handle of this.#files.keys()) this.abandonFile(handle);
  }

  #openTemporary(path: Uint8Array): { readonly fd: number; readonly temporary: NodePath } {
    for (let tries = 1; ; tries++) {
      const temporary = this.#paths.beside(path, temporaryName(process.pid, threadId, this.#temporaries++));
      try {
        return { fd: openSync(temporary, CREATE, 0o600), temporary };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || tries === MAX_TRIES) throw error;
      }
    }
  }

  #setOwner(
    at: NodePath,
    metadata: RestoredMetadata,
    problems: MetadataProblem[],
    chown: (uid: number, gid: number) => void,
  ): void {
    if (process.platform === 'win32') return;
    const { uid, gid } = lstatSync(at);
    const wanted = this.#owners.wanted(metadata);
    if (wanted.uid === uid && wanted.gid === gid) return;
    const refusal = this.#owners.refusal(wanted, { uid, gid });
    if (refusal === undefined) attempt('owner', problems, () => chown(wanted.uid, wanted.gid));
    else
      problems.push({ what: 'owner', reason: `is ${uid}:${gid} instead of ${wanted.uid}:${wanted.gid} (${refusal})` });
  }

  /** Set-id bits need a check of the owner after the fact, which this target leaves to the native one. */
  #allowedMode(mode: number, problems: MetadataProblem[]): number {
    if ((mode & 0o6000) !== 0) problems.push({ what: 'set-id', reason: 'set-id bits are not restored on this system' });
    return mode & 0o1777;
  }

  #finishProblems(path: Uint8Array, at: NodePath, metadata: RestoredMetadata, problems: MetadataProblem[]): void {
    const mtime = lstatSync(at, { bigint: true }).mtimeNs;
    if (mtime !== metadata.mtime && !problems.some((problem) => problem.what === 'times')) {
      problems.push({ what: 'times', reason: `mtime is ${mtime} instead of ${metadata.mtime} ns` });
    }
    for (const { name } of metadata.xattrs ?? []) {
      problems.push({ what: 'xattr', reason: `${printablePath(name)}: attributes cannot be set on this system` });
    }
    if (metadata.flags) problems.push({ what: 'flags', reason: 'inode flags cannot be set on this system' });
    const mapped = this.#paths.mappedName(path);
    if (mapped !== undefined) problems.push({ what: 'flags', reason: `the name was mapped to '${mapped}'` });
  }

  #file(handle: number): OpenFile {
    const file = this.#files.get(handle);
    if (file === undefined) throw new TargetError('bad-handle', `restore: no open file has handle ${handle}`);
    return file;
  }
}

/** Exclusively, unless it replaces: as a second name, which is refused where the first one is taken. */
function takePlace({ temporary, finalPath, path, replaces }: OpenFile): void {
  if (replaces) return renameSync(temporary, finalPath);
  try {
    linkSync(temporary, finalPath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
    // A file system without hard links; what came there since this look is not seen.
    if (lstatSync(finalPath, { throwIfNoEntry: false }) !== undefined) throw nameTaken(path);
    return renameSync(temporary, finalPath);
  }
  rmSync(temporary);
}

function nameTaken(path: Uint8Array): Error {
  return Object.assign(new Error(`create file: its name is taken: '${printablePath(path)}'`), { code: 'EEXIST' });
}

function attempt(what: MetadataProblem['what'], problems: MetadataProblem[], set: () => void): void {
  try {
    set();
  } catch (error) {
    problems.push({ what, reason: (error as NodeJS.ErrnoException).code ?? String(error) });
  }
}

/** As node:fs takes times; about a quarter of a microsecond is lost. */
function seconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e9;
}

function nodeTypeOf(mode: number): NodeType {
  const type = mode & constants.S_IFMT;
  if (type === constants.S_IFDIR) return NodeType.directory;
  if (type === constants.S_IFLNK) return NodeType.symlink;
  if (type === constants.S_IFIFO) return NodeType.fifo;
  if (type === constants.S_IFCHR) return NodeType.charDevice;
  if (type === constants.S_IFBLK) return NodeType.blockDevice;
  if (type === constants.S_IFSOCK) return NodeType.socket;
  return NodeType.file;
}
