/**
 * Files only their owner may read: device keys, recovery words, a generated password. Written whole and durably; one
 * that others can read is refused, since it may have been read.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError, exitCodes } from '../errors.ts';

const others = 0o077;

/** The content; undefined when there is no such file. Throws where others could read it. */
export function readPrivateFile(path: string): Uint8Array | undefined {
  let handle: number;
  try {
    handle = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    refuseIfShared(path, fstatSync(handle));
    return new Uint8Array(readFileSync(handle));
  } finally {
    closeSync(handle);
  }
}

function refuseIfShared(path: string, stat: Stats): void {
  // Windows has no such bits; there the folder's own protection counts.
  if (process.platform === 'win32') return;
  const owner = process.geteuid?.();
  const foreign = owner !== undefined && owner !== 0 && stat.uid !== owner;
  if (!foreign && (stat.mode & others) === 0) return;
  const why = foreign ? 'belongs to another user' : 'can be read by other users';
  throw new CommandError(`${path} ${why}, so what it holds may be known to others`, {
    code: 'not-private',
    exitCode: exitCodes.failed,
    hint: foreign ? 'run as the user it belongs to' : `if you trust those users: chmod 600 '${path}'`,
  });
}

/** Writes the file: a reader sees the old content or the new, after a crash as well. */
export function writePrivateFile(path: string, bytes: Uint8Array): void {
  placeFile(path, bytes, renameSync);
}

/** Creates the file whole; answers false, and changes nothing, when the name is taken. */
export function createPrivateFile(path: string, bytes: Uint8Array): boolean {
  try {
    placeFile(path, bytes, linkSync);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function placeFile(path: string, bytes: Uint8Array, place: (from: string, to: string) => void): void {
  const folder = dirname(path);
  makePrivateFolder(folder);
  removeAbandoned(folder);
  while (!tryToPlace(path, bytes, place));
  syncFolder(folder);
}

/** Answers false when another process took the temporary file for that of a dead one. */
function tryToPlace(path: string, bytes: Uint8Array, place: (from: string, to: string) => void): boolean {
  const temporary = join(dirname(path), `.new-${process.pid}-${performance.now().toString(36)}`);
  try {
    const handle = openSync(temporary, 'wx', 0o600);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    return isPlaced(() => place(temporary, path));
  } finally {
    rmSync(temporary, { force: true });
  }
}

function isPlaced(place: () => void): boolean {
  try {
    place();
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** What a killed process left unfinished may hold keys, and keys that are no longer used must not stay (security.md §3.5). */
function removeAbandoned(folder: string): void {
  for (const name of readdirSync(folder)) {
    const writer = /^\.new-(?<pid>[1-9]\d{0,9})-/.exec(name)?.groups?.['pid'];
    if (writer !== undefined && !isRunning(Number(writer))) rmSync(join(folder, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}

/** With its parents, durably: each new one is a name in the folder above it. */
export function makePrivateFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; ; made = dirname(made)) {
    syncFolder(dirname(made));
    if (made === first || dirname(made) === made) return;
  }
}

export function syncFolder(folder: string): void {
  // Windows cannot open folders; its file systems keep renames in order by themselves.
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function systemCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
