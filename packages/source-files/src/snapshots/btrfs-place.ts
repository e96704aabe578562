/**
 * Where snapshots of a btrfs subvolume are kept while they are read, and what proves whose they are:
 *
 * ```
 * TOP/.keephold-snapshots/       made once, ours, only we may enter it
 *   <32 hex digits>/             one run
 *     keephold                   a fixed text; locked (flock) as long as that run lives
 *     files                      the snapshot
 * ```
 *
 * A run that was killed holds no lock any more. Every folder is opened once and then reached through its handle
 * (/proc/self/fd), since the owner of the subvolume may rename what is in it while we work.
 */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { LOCK_EX, LOCK_NB, libc } from '@keephold/ffi';
import { SnapshotError } from '../errors.ts';

/** Name of the folder at the top of a subvolume. No backup goes into it. */
export const SNAPSHOTS_FOLDER = '.keephold-snapshots';
export const MARKER_TEXT = 'keephold snapshot 1\nRead by a backup that runs, removed at its end or by the next one.\n';
const MARKER_NAME = 'keephold';
const FILES_NAME = 'files';
const ENTRY_NAME = /^[0-9a-f]{32}$/;
const DIRECTORY: number = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);
const NEW_FILE: number = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
const OTHERS_MAY = 0o077;
/** Inode of the top of every subvolume. */
export const TOP_INODE = 256;

/** An open folder; its path follows it wherever it is moved to. */
export interface OpenFolder extends Disposable {
  readonly handle: number;
  readonly path: string;
}

/** Never through a link. @throws as openSync does */
export function openFolder(path: string | Buffer): OpenFolder {
  const handle = openSync(path, DIRECTORY);
  return { handle, path: `/proc/self/fd/${handle}`, [Symbol.dispose]: () => closeSync(handle) };
}

/** The folder for snapshots in the open top of a subvolume, made where it is missing. @throws SnapshotError */
export function openSnapshotsFolder(top: OpenFolder): OpenFolder {
  const path = `${top.path}/${SNAPSHOTS_FOLDER}`;
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
  }
  const folder = openFolder(path);
  if (isOurs(folder.handle) && fstatSync(folder.handle).dev === fstatSync(top.handle).dev) return folder;
  folder[Symbol.dispose]();
  throw new SnapshotError('snapshot-unavailable', `${SNAPSHOTS_FOLDER} there is not a private folder of this user`);
}

function isOurs(handle: number): boolean {
  const { uid, mode } = fstatSync(handle);
  return uid === libc()?.geteuid() && (mode & OTHERS_MAY) === 0;
}

/** One run's folder. Disposing lets go of the lock and removes nothing. */
export interface SnapshotEntry extends Disposable {
  readonly name: string;
  readonly folder: OpenFolder;
  /** Of the snapshot, as the tool is told it, with the folder as working directory. */
  readonly filesName: string;
}

/** A new one, locked. `name`: 32 random hex digits. */
export function createEntry(snapshots: OpenFolder, name: string): SnapshotEntry {
  const path = `${snapshots.path}/${name}`;
  mkdirSync(path, { mode: 0o700 });
  using opened = new DisposableStack();
  opened.defer(() => rmdirSync(path));
  const folder = openFolder(path);
  opened.use(folder);
  const marker = openSync(`${folder.path}/${MARKER_NAME}`, NEW_FILE, 0o600);
  opened.defer(() => closeSync(marker));
  opened.defer(() => unlinkSync(`${folder.path}/${MARKER_NAME}`));
  // First the lock: a marker that is whole and not locked says that its maker is gone.
  if (!lock(marker)) throw new SnapshotError('snapshot-unavailable', 'its marker cannot be locked');
  if (writeSync(marker, MARKER_TEXT) < MARKER_TEXT.length)
    throw new SnapshotError('snapshot-unavailable', 'its marker cannot be written');
  opened.move();
  return entryOf(name, folder, marker);
}

/** An entry of a run that is gone, locked; undefined for anything else, and for one that never came to a marker. */
export function takeOverEntry(snapshots: OpenFolder, name: string): SnapshotEntry | undefined {
  if (!ENTRY_NAME.test(name)) return undefined;
  const folder = openFolder(`${snapshots.path}/${name}`);
  const marker = openMarker(folder);
  if (marker !== undefined && isOrphan(folder, marker)) return entryOf(name, folder, marker);
  // Killed before there was one. Anything in it keeps it there.
  if (marker === undefined && readdirSync(folder.path).length === 0) rmdirSync(`${snapshots.path}/${name}`);
  if (marker !== undefined) closeSync(marker);
  folder[Symbol.dispose]();
  return undefined;
}

function openMarker(folder: OpenFolder): number | undefined {
  try {
    return openSync(`${folder.path}/${MARKER_NAME}`, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0));
  } catch {
    return undefined;
  }
}

function isOrphan(folder: OpenFolder, marker: number): boolean {
  if (!isOurs(folder.handle) || !isOurs(marker) || !lock(marker)) return false;
  const names = readdirSync(folder.path);
  if (!names.every((name) => name === MARKER_NAME || name === FILES_NAME)) return false;
  const text = readFileSync(marker, 'latin1');
  // The marker is written before the snapshot is made: with a part of the text there is none.
  return text === MARKER_TEXT || (MARKER_TEXT.startsWith(text) && names.length === 1);
}

/** Whether the entry holds a snapshot: the top of a subvolume. */
export function hasSnapshot({ folder, filesName }: SnapshotEntry): boolean {
  return statSync(`${folder.path}/${filesName}`, { throwIfNoEntry: false })?.ino === TOP_INODE;
}

/** Removes an entry whose snapshot is gone; fails when anything else is in it. */
export function removeEntry(snapshots: OpenFolder, { name, folder }: SnapshotEntry): void {
  unlinkSync(`${folder.path}/${MARKER_NAME}`);
  rmdirSync(`${snapshots.path}/${name}`);
}

function entryOf(name: string, folder: OpenFolder, marker: number): SnapshotEntry {
  return {
    name,
    folder,
    filesName: FILES_NAME,
    [Symbol.dispose]: () => {
      closeSync(marker);
      folder[Symbol.dispose]();
    },
  };
}

function lock(handle: number): boolean {
  return libc()?.flock(handle, LOCK_EX | LOCK_NB) === 0;
}
