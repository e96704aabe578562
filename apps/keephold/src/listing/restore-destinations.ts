/**
 * Where a restore goes. With a target folder: what the path contains lands right in it. In place: each folder goes back
 * to where it was, and folders above it are left as they are.
 */
import { join } from 'node:path';
import { rawTextFromBytes } from '../command-line/raw-text.ts';
import { CommandError, exitCodes } from '../errors.ts';

export interface Destination {
  /** In the snapshot; empty: everything. */
  readonly path: Uint8Array;
  /** Folder on this system. */
  readonly root: string;
}

export interface RestorePlace {
  readonly path: Uint8Array;
  readonly isDirectory: boolean;
}

export function targetDestination({ path }: RestorePlace, target: string): Destination {
  return { path, root: target };
}

/** A single file goes into the folder it was in. */
export function inPlaceDestination(
  { path, isDirectory }: RestorePlace,
  platform: NodeJS.Platform = process.platform,
): Destination {
  const text = rawTextFromBytes(path);
  if (!text.isWellFormed()) {
    throw new CommandError('a folder whose name is no valid text cannot be restored in place', {
      code: 'not-text',
      exitCode: exitCodes.failed,
      hint: 'restore it with --target DIR',
    });
  }
  const components = text.split('/').filter((component) => component !== '');
  const folder = isDirectory ? components : components.slice(0, -1);
  return { path, root: platform === 'win32' ? windowsPath(folder) : join('/', ...folder) };
}

/** The drive letter comes first in a snapshot. */
function windowsPath([drive = '', ...rest]: readonly string[]): string {
  return [`${drive.replace(/:$/, '')}:`, ...rest].join('\\') + (rest.length === 0 ? '\\' : '');
}
