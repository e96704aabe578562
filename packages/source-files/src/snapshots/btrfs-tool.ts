/** Snapshots of btrfs subvolumes by the program `btrfs`. Volumes nested in a subvolume are not in its snapshot. */
import { fstatSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { libc } from '@keephold/ffi';
import { SnapshotError } from '../errors.ts';
import {
  createEntry,
  hasSnapshot,
  type OpenFolder,
  openFolder,
  openSnapshotsFolder,
  removeEntry,
  SNAPSHOTS_FOLDER,
  type SnapshotEntry,
  TOP_INODE,
  takeOverEntry,
} from './btrfs-place.ts';
import { isWithin } from './mounts.ts';
import { findTool, runTool } from './run-tool.ts';
import type { FileSystemSnapshot, Leftovers, SnapshotTool } from './snapshot-tool.ts';

const NAME_BYTES = 16;
/** Directories of the kernel in place of subvolumes (BTRFS_EMPTY_SUBVOL_DIR_OBJECTID). */
const GAP_INODE = 2;
/** Making a snapshot may be permitted where removing it is not: that takes CAP_SYS_ADMIN. */
const SYS_ADMIN = 21n;

export interface BtrfsToolOptions {
  readonly random: (length: number) => Uint8Array;
}

export function createBtrfsTool(options: BtrfsToolOptions): SnapshotTool {
  return new BtrfsTool(options);
}

class BtrfsTool implements SnapshotTool {
  readonly fileSystem = 'btrfs';
  readonly #options: BtrfsToolOptions;

  constructor(options: BtrfsToolOptions) {
    this.#options = options;
  }

  findVolume(path: string, mountPoint: string): string {
    requireProgram();
    if (libc() === undefined) throw unavailable('this system lacks file locks that end with their process');
    if (!maySnapshot()) throw unavailable('it takes the rights of an administrator (root)');
    for (let at = path; isWithin(at, mountPoint); at = at.slice(0, at.lastIndexOf('/'))) {
      const stat = lstatSync(rawPath(at), { throwIfNoEntry: false });
      if (stat?.isDirectory() === true && stat.ino === TOP_INODE) return at;
      if (at === mountPoint) break;
    }
    throw unavailable('only a part of its subvolume is mounted there');
  }

  async take(volume: string): Promise<FileSystemSnapshot> {
    const program = requireProgram();
    try {
      return await this.#take(program, volume);
    } catch (cause) {
      if (cause instanceof SnapshotError) throw cause;
      throw unavailable((cause as Error).message, cause);
    }
  }

  async removeLeftovers(volume: string): Promise<Leftovers> {
    const removed: string[] = [];
    const problems: string[] = [];
    try {
      using top = openFolder(rawPath(volume));
      if (statSync(`${top.path}/${SNAPSHOTS_FOLDER}`, { throwIfNoEntry: false }) === undefined)
        return { removed, problems };
      using snapshots = openSnapshotsFolder(top);
      for (const name of readdirSync(snapshots.path)) {
        const place = `${volume}/${SNAPSHOTS_FOLDER}/${name}`;
        try {
          if (await removeLeftover(snapshots, name)) removed.push(place);
        } catch (cause) {
          problems.push(`${place}: ${(cause as Error).message}`);
        }
      }
    } catch (cause) {
      problems.push(`${volume}/${SNAPSHOTS_FOLDER}: ${(cause as Error).message}`);
    }
    return { removed, problems };
  }

  async #take(program: string, volume: string): Promise<FileSystemSnapshot> {
    using opened = new DisposableStack();
    const top = opened.use(openFolder(rawPath(volume)));
    const snapshots = opened.use(openSnapshotsFolder(top));
    const name = Buffer.from(this.#options.random(NAME_BYTES)).toString('hex');
    const entry = opened.use(createEntry(snapshots, name));
    try {
      // The folder lies in the subvolume, wherever that has been moved to.
      const args = ['subvolume', 'snapshot', '-r', '../..', entry.filesName];
      await runTool({ program, args, folder: entry.folder.path });
      const files = opened.use(openFolder(`${entry.folder.path}/${entry.filesName}`));
      return new BtrfsSnapshot({
        name: `${volume}/${SNAPSHOTS_FOLDER}/${name}/${entry.filesName}`,
        snapshots,
        entry,
        files,
        opened: opened.move(),
      });
    } catch (cause) {
      await removeSnapshot(program, snapshots, entry);
      throw cause;
    }
  }
}

interface BtrfsSnapshotParts {
  readonly name: string;
  readonly snapshots: OpenFolder;
  readonly entry: SnapshotEntry;
  readonly files: OpenFolder;
  /** All of these. */
  readonly opened: DisposableStack;
}

class BtrfsSnapshot implements FileSystemSnapshot {
  readonly name: string;
  readonly root: string;
  readonly gapInode: number = GAP_INODE;
  readonly #parts: BtrfsSnapshotParts;

  constructor(parts: BtrfsSnapshotParts) {
    this.name = parts.name;
    // With a last part that is no link.
    this.root = `${parts.files.path}/.`;
    this.#parts = parts;
  }

  isThere(): boolean {
    const { entry, files } = this.#parts;
    const found = statSync(`${entry.folder.path}/${entry.filesName}`, { throwIfNoEntry: false });
    return found?.ino === TOP_INODE && found.dev === fstatSync(files.handle).dev;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { snapshots, entry, opened } = this.#parts;
    using _opened = opened;
    try {
      await removeSnapshot(requireProgram(), snapshots, entry);
    } catch (cause) {
      const message = `remove the snapshot ${this.name}: ${(cause as Error).message}`;
      throw new SnapshotError('snapshot-left', message, { cause });
    }
  }
}

/** Whether there was one of a run that is gone. */
async function removeLeftover(snapshots: OpenFolder, name: string): Promise<boolean> {
  using entry = takeOverEntry(snapshots, name);
  if (entry === undefined) return false;
  await removeSnapshot(requireProgram(), snapshots, entry);
  return true;
}

/** Only what is a snapshot that nobody could write to, in a folder of ours. */
async function removeSnapshot(program: string, snapshots: OpenFolder, entry: SnapshotEntry): Promise<void> {
  const { filesName, folder } = entry;
  if (hasSnapshot(entry)) {
    const answer = await runTool({ program, args: ['property', 'get', '-ts', filesName, 'ro'], folder: folder.path });
    if (answer.trim() !== 'ro=true') throw new Error('it is not read-only, as ours are');
    await runTool({ program, args: ['subvolume', 'delete', filesName], folder: folder.path });
  }
  removeEntry(snapshots, entry);
}

function requireProgram(): string {
  const program = findTool('btrfs');
  if (program === undefined) throw unavailable('the program btrfs is not installed (package btrfs-progs)');
  return program;
}

function maySnapshot(): boolean {
  try {
    const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
    return ((BigInt(`0x${capabilities ?? '0'}`) >> SYS_ADMIN) & 1n) === 1n;
  } catch {
    return false;
  }
}

function rawPath(path: string): Buffer {
  return Buffer.from(path === '' ? '/' : path, 'latin1');
}

function unavailable(reason: string, cause?: unknown): SnapshotError {
  return new SnapshotError('snapshot-unavailable', reason, { cause });
}
