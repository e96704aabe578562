/**
 * The file on this computer that was backed up, when it is still the one that was: same size, times and inode as recorded.
 * Only then can a difference be told from a change. It is only ever read.
 */
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import { type Snapshot, SQLITE_BACKUP, type TreeNode } from '@keephold/engine';

/**
 * same, differs: it is unchanged, and was compared. young: it differs, and was being changed when it was backed up.
 * copied: what is stored is SQLite's copy of it, which need not have the same bytes.
 */
export type LiveState = 'same' | 'differs' | 'young' | 'copied' | 'changed' | 'gone' | 'unreadable';

export class LiveFile implements Disposable {
  readonly handle: number;
  readonly #node: TreeNode;

  private constructor(handle: number, node: TreeNode) {
    this.handle = handle;
    this.#node = node;
  }

  /** `path`: in the snapshot. */
  static open(path: Uint8Array, node: TreeNode): LiveFile | LiveState {
    // There, paths of a snapshot begin with a drive.
    if (process.platform === 'win32') return 'gone';
    if (node.note === SQLITE_BACKUP) return 'copied';
    const place = Buffer.concat([Buffer.from('/'), path]);
    try {
      if (!isUnchanged(lstatSync(place, { bigint: true }), node)) return 'changed';
      const handle = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const file = new LiveFile(handle, node);
      if (file.isUnchanged()) return file;
      file[Symbol.dispose]();
      return 'changed';
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' || code === 'ENOTDIR' ? 'gone' : 'unreadable';
    }
  }

  isUnchanged(): boolean {
    return isUnchanged(fstatSync(this.handle, { bigint: true }), this.#node);
  }

  [Symbol.dispose](): void {
    closeSync(this.handle);
  }
}

/** The time of the last change cannot be set by anyone: where it was not recorded, nothing is certain. */
function isUnchanged(stat: BigIntStats, { size, mtime, ctime, hardLink }: TreeNode): boolean {
  const isSame =
    stat.isFile() &&
    stat.size === BigInt(size ?? 0) &&
    stat.mtimeNs === mtime &&
    ctime !== undefined &&
    stat.ctimeNs === ctime;
  if (!isSame || hardLink === undefined) return isSame;
  return Buffer.from(hardLink).readBigUInt64LE(0) === stat.ino;
}

const SECOND = 1_000_000_000n;
/** How far the clock of a file system lags behind: a tick, or two seconds where it counts whole ones. */
const TICK = 100_000_000n;
const COARSE_TICK = 2n * SECOND;

/** Whether a file may have been changed while or after it was read, without its times showing it. */
export function isYoung({ ctime, mtime, note }: TreeNode, { time }: Pick<Snapshot, 'time'>): boolean {
  if (ctime === undefined || note !== undefined) return true;
  const isCoarse = ctime % SECOND === 0n && mtime % SECOND === 0n;
  return ctime > time - (isCoarse ? COARSE_TICK : TICK);
}
