/**
 * Where a drill restores to: a temporary folder that is gone afterwards, however the drill ends. Names say which process
 * they belong to, so that what a killed one left behind goes at the next drill.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../environment.ts';
import { removeTree, temporaryFolderFor } from '../temporary-folder.ts';

const prefix = 'keephold-drill-';

export interface ScratchFolder extends Disposable {
  readonly path: string;
}

/** Throws CommandError `no-room`. */
export function scratchFolder({ folders }: Pick<Environment, 'folders'>, bytes: number): ScratchFolder {
  const places = [tmpdir(), join(folders.cache, 'drill')];
  for (const place of places) removeAbandoned(place);
  const path = temporaryFolderFor({
    bytes,
    places,
    prefix: `${prefix}${process.pid}-`,
    hint: 'free some space, set TMPDIR to a folder with more room, or drill less with --size',
  });
  const remove = (): void => removeTree(path);
  // A second interrupt ends the process at once.
  process.once('exit', remove);
  return {
    path,
    [Symbol.dispose]() {
      process.off('exit', remove);
      remove();
    },
  };
}

function removeAbandoned(place: string): void {
  for (const name of namesIn(place)) {
    const pid = new RegExp(`^${prefix}([1-9]\\d{0,9})-`).exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const path = join(place, name);
    if (isOwnFolder(path)) removeTree(path);
  }
}

function namesIn(place: string): readonly string[] {
  try {
    return readdirSync(place);
  } catch {
    return [];
  }
}

/** In a folder that others write to as well, a name proves nothing. */
function isOwnFolder(path: string): boolean {
  try {
    const stat = lstatSync(path);
    return stat.isDirectory() && stat.uid === (process.geteuid?.() ?? stat.uid);
  } catch {
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
