/** A Target over node:fs for tests of the engine, which may not know the real ones. Not safe against anybody. */
import {
  chmodSync,
  closeSync,
  fchmodSync,
  ftruncateSync,
  futimesSync,
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
import { NodeType, type TreeNode } from '../../node-fields.ts';
import type { ExistingEntry, MetadataProblem, RestoredMetadata, Target } from '../../target.ts';

export interface PlainConfig {
  readonly root: string;
  /** Bytes that writeAt takes before it throws ENOSPC; all targets of a test share one count. */
  readonly room?: { left: number };
  readonly free?: number;
  readonly noHardLinks?: boolean;
  /** Paths of entries that have attributes. */
  readonly withAttributes?: ReadonlySet<string>;
  readonly onFinish?: (path: string) => void;
  readonly onMetadata?: (path: string) => void;
}

let counter = 0;

export class PlainTarget implements Target {
  readonly #config: PlainConfig;
  readonly #files = new Map<number, { readonly at: Buffer; readonly temporary: Buffer | undefined }>();

  constructor(config: PlainConfig) {
    this.#config = config;
  }

  #at(path: Uint8Array): Buffer {
    return path.length === 0
      ? Buffer.from(this.#config.root)
      : Buffer.concat([Buffer.from(`${this.#config.root}/`), path]);
  }

  protect(): readonly MetadataProblem[] {
    return [];
  }

  inspect(path: Uint8Array): ExistingEntry | undefined {
    const stat = lstatSync(this.#at(path), { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    const type = stat.isDirectory()
      ? NodeType.directory
      : stat.isSymbolicLink()
        ? NodeType.symlink
        : stat.isFIFO()
          ? NodeType.fifo
          : NodeType.file;
    const owner = { uid: Number(stat.uid), gid: Number(stat.gid), inode: stat.ino };
    return { type, size: Number(stat.size), mtime: stat.mtimeNs, mode: Number(stat.mode) & 0o7777, ...owner };
  }

  hasAttributes(path: Uint8Array): boolean {
    return this.#config.withAttributes?.has(Buffer.from(path).toString()) === true;
  }

  list(path: Uint8Array): readonly Uint8Array[] {
    return readdirSync(this.#at(path), { encoding: 'buffer' });
  }

  makeDirectory(path: Uint8Array): void {
    mkdirSync(this.#at(path), { recursive: true, mode: 0o700 });
  }

  createFile(path: Uint8Array, size: number, { replace }: { readonly replace: boolean }): number {
    const at = this.#at(path);
    const temporary = replace ? Buffer.concat([at, Buffer.from(`.partial-${counter++}`)]) : undefined;
    const fd = openSync(temporary ?? at, 'wx', 0o600);
    ftruncateSync(fd, size);
    this.#files.set(fd, { at, temporary });
    return fd;
  }

  writeAt(handle: number, bytes: Uint8Array, offset: number): void {
    const { room } = this.#config;
    if (room !== undefined && (room.left -= bytes.length) < 0)
      throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
    for (let done = 0; done < bytes.length; )
      done += writeSync(handle, bytes, done, bytes.length - done, offset + done);
  }

  finishFile(handle: number, { mode, mtime }: RestoredMetadata): readonly MetadataProblem[] {
    const { at, temporary } = this.#files.get(handle)!;
    fchmodSync(handle, mode);
    futimesSync(handle, Number(mtime) / 1e9, Number(mtime) / 1e9);
    closeSync(handle);
    this.#files.delete(handle);
    if (temporary !== undefined) renameSync(temporary, at);
    this.#config.onFinish?.(at.toString());
    return [];
  }

  abandonFile(handle: number): void {
    const { at, temporary } = this.#files.get(handle)!;
    this.#files.delete(handle);
    closeSync(handle);
    rmSync(temporary ?? at);
  }

  makeSymlink(path: Uint8Array, linkTarget: Uint8Array, { mtime }: RestoredMetadata): readonly MetadataProblem[] {
    symlinkSync(Buffer.from(linkTarget), this.#at(path));
    lutimesSync(this.#at(path), Number(mtime) / 1e9, Number(mtime) / 1e9);
    return [];
  }

  makeHardLink(path: Uint8Array, existing: Uint8Array): void {
    if (this.#config.noHardLinks === true) throw Object.assign(new Error('no links here'), { code: 'EPERM' });
    linkSync(this.#at(existing), this.#at(path));
  }

  makeSpecial(_path: Uint8Array, node: Pick<TreeNode, 'type'>): readonly MetadataProblem[] {
    throw Object.assign(new Error(`type ${node.type} is not permitted`), { code: 'not-permitted' });
  }

  applyMetadata(path: Uint8Array, { mode, mtime }: RestoredMetadata): readonly MetadataProblem[] {
    this.#config.onMetadata?.(this.#at(path).toString());
    chmodSync(this.#at(path), mode);
    utimesSync(this.#at(path), Number(mtime) / 1e9, Number(mtime) / 1e9);
    return [];
  }

  remove(path: Uint8Array): void {
    rmSync(this.#at(path), { recursive: true });
  }

  sync(): void {}

  freeBytes(): number {
    return this.#config.free ?? Number.MAX_SAFE_INTEGER;
  }

  close(): void {
    for (const handle of this.#files.keys()) this.abandonFile(handle);
  }
}
