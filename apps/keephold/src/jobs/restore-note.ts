/**
 * Notes of restores whose files may not all be on the disk, in the state folder. A file that looks restored, by its size
 * and time, is left alone when a restore is run again; after a power cut that may be wrong, because the system writes
 * size and time before the contents. So what was restored before the machine was started anew, and was not known to be
 * on the disk, is written once more.
 *
 * A note is a text: the target, then a line for each thing that was restored to it, the last one last: when the machine
 * had been started (Unix milliseconds), and the hash of what it was.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readPrivateFile, syncFolder, writePrivateFile } from '../access/private-file.ts';

export interface RestoreNote {
  /** Whether what looks restored can be relied on. */
  readonly trustsFiles: boolean;
  /** All of it was restored; `durable`: and is on the disk. */
  readonly finish: (state: { readonly durable: boolean }) => void;
}

/** A clock that is corrected makes the machine seem started at another time; that much is not a new start. */
const CLOCK_CHANGE = 60_000;
const YEAR: number = 365 * 24 * 3_600_000;

export interface NoteOptions {
  /** The state folder of the program. */
  readonly stateFolder: string;
  /** Of the restore: an absolute path. */
  readonly target: string;
  /** What is restored there, in any words that are the same for the same things. */
  readonly what: string;
  /** When this machine was started, Unix milliseconds. */
  readonly startedAt: number;
}

/** By the hash of what was restored, the last one last: when the machine had been started. */
type Starts = Map<string, number>;

/** Durable when it returns. */
export function beginRestoreNote({ stateFolder, target, what, startedAt }: NoteOptions): RestoreNote {
  const folder = join(stateFolder, 'restores');
  removeOld(folder);
  const path = join(folder, hash(target));
  const starts = readStarts(path);
  const key = hash(what);
  const trustsFiles = since(starts, key).every((earlier) => Math.abs(earlier - startedAt) <= CLOCK_CHANGE);
  const noteNow = (): void => {
    starts.delete(key);
    writeStarts(path, target, starts.set(key, startedAt));
  };
  // The first start counts until all is written anew: a second restore may be cut short too.
  if (trustsFiles) noteNow();
  return {
    trustsFiles,
    finish: ({ durable }) => {
      if (!durable) return noteNow();
      starts.delete(key);
      if (starts.size > 0) writeStarts(path, target, starts);
      else {
        rmSync(path, { force: true });
        syncFolder(folder);
      }
    },
  };
}

/** Starts of what was restored to the target since the same was: only that can have touched its files after it did. */
function since(starts: Starts, key: string): number[] {
  const keys = [...starts.keys()];
  return [...starts.values()].slice(Math.max(0, keys.indexOf(key)));
}

/** By then nobody relies on what was restored for a restore. A target that is not there may be a disk not plugged in. */
function removeOld(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > YEAR) rmSync(path, { force: true });
  }
}

function readStarts(path: string): Starts {
  const starts: Starts = new Map();
  for (const line of linesOf(path).slice(1)) {
    const [, start, what] = /^(\d{1,15}) ([0-9a-f]{32})$/.exec(line) ?? [];
    // What is no number is no start that we know of.
    if (start !== undefined && what !== undefined) starts.set(what, Number(start));
    else starts.set(hash(line), 0);
  }
  return starts;
}

function writeStarts(path: string, target: string, starts: Starts): void {
  const lines = [target, ...[...starts].map(([what, start]) => `${Math.round(start)} ${what}`)];
  writePrivateFile(path, new TextEncoder().encode(lines.join('\n')));
}

function linesOf(path: string): string[] {
  const note = readPrivateFile(path);
  return note === undefined ? [] : new TextDecoder().decode(note).split('\n');
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
