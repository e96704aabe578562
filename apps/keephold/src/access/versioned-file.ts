/**
 * A small private file that several processes may change at once: each version is a file of its own, `name.N`, created
 * exclusively, and the highest N counts. Creating N + 1 is the compare-and-swap, so there is no lock to be left behind
 * by a crash.
 *
 * A version is emptied as soon as its successor is durable: what was in it is gone. Its empty file stays until many more
 * have come, so that a process that was slow cannot take a name that was used already for a free one.
 */
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createPrivateFile, readPrivateFile, syncFolder } from './private-file.ts';

export interface VersionedFile {
  readonly folder: string;
  readonly name: string;
}

interface Version {
  readonly number: number;
  readonly bytes: Uint8Array | undefined;
}

export function readVersionedFile(file: VersionedFile): Uint8Array | undefined {
  return currentVersion(file).bytes;
}

/**
 * Replaces the content by what `change` makes of it, durably. `change` runs again, on the newer content, when another
 * process was first; it may answer undefined to leave everything as it is.
 */
export function changeVersionedFile(
  file: VersionedFile,
  change: (before: Uint8Array | undefined) => Uint8Array | undefined,
): void {
  for (;;) {
    const before = currentVersion(file);
    const after = change(before.bytes);
    if (after === undefined || replace(file, before.number, after)) return;
  }
}

/** Used names that stay taken. */
const keptNames = 16;

/** Answers false when another process made a newer version meanwhile. */
function replace(file: VersionedFile, number: number, bytes: Uint8Array): boolean {
  const path = versionPath(file, number + 1);
  if (!createPrivateFile(path, bytes)) return false;
  const existing = versionNumbers(file);
  if (Math.max(...existing) > number + keptNames) {
    // So far behind that the name had come and gone: this is not the newest.
    rmSync(path, { force: true });
    return false;
  }
  for (const older of existing) {
    if (older <= number - keptNames) rmSync(versionPath(file, older), { force: true });
    else if (older <= number) emptyFile(versionPath(file, older));
  }
  syncFolder(file.folder);
  return true;
}

/** Durably: a key that comes back after a power cut is a key that was never given up. */
function emptyFile(path: string): void {
  let handle: number;
  try {
    handle = openSync(path, 'r+');
  } catch (error) {
    // Another process has cleared it away.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    if (fstatSync(handle).size === 0) return;
    ftruncateSync(handle);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function currentVersion(file: VersionedFile): Version {
  for (;;) {
    const number = Math.max(0, ...versionNumbers(file));
    if (number === 0) return { number, bytes: undefined };
    const bytes = readPrivateFile(versionPath(file, number));
    if (bytes !== undefined && bytes.length > 0) return { number, bytes };
    // It was replaced between listing and reading, or it never was a version: then there is no newer one either.
    if (bytes !== undefined && Math.max(...versionNumbers(file)) === number) return { number, bytes: undefined };
  }
}

function versionNumbers({ folder, name }: VersionedFile): number[] {
  let entries: string[];
  try {
    entries = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const prefix = `${name}.`;
  return entries
    .filter((entry) => entry.startsWith(prefix) && /^[1-9]\d{0,14}$/.test(entry.slice(prefix.length)))
    .map((entry) => Number(entry.slice(prefix.length)));
}

function versionPath({ folder, name }: VersionedFile, number: number): string {
  return join(folder, `${name}.${number}`);
}
