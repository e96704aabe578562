/**
 * Notes of restores that are not finished, in the state folder. A file that looks restored, by its size and time, is
 * left alone when a restore is run again; after a power cut that may be wrong, because the system writes size and time
 * before the contents. So a restore that began before the machine was started anew writes everything once more.
 *
 * A note is a text of two lines: when the machine had been started (Unix milliseconds), and the target.
 */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readPrivateFile, syncFolder, writePrivateFile } from '../access/private-file.ts';

export interface RestoreNote {
  /** Whether what looks restored can be relied on. */
  readonly trustsFiles: boolean;
  /** All of it is durable. */
  readonly finish: () => void;
}

/** A clock that is corrected makes the machine seem started at another time; that much is not a new start. */
const CLOCK_CHANGE = 60_000;

export interface NoteOptions {
  /** The state folder of the program. */
  readonly stateFolder: string;
  /** Of the restore: an absolute path. */
  readonly target: string;
  /** When this machine was started, Unix milliseconds. */
  readonly startedAt: number;
}

/** Durable when it returns. */
export function beginRestoreNote({ stateFolder, target, startedAt }: NoteOptions): RestoreNote {
  const name = createHash('sha256').update(target).digest('hex').slice(0, 32);
  const path = join(stateFolder, 'restores', name);
  const earlier = readPrivateFile(path);
  const trustsFiles = earlier === undefined || Math.abs(startOf(earlier) - startedAt) <= CLOCK_CHANGE;
  // The first start counts until all is written anew: a second restore may be cut short too.
  if (trustsFiles) writePrivateFile(path, new TextEncoder().encode(`${Math.round(startedAt)}\n${target}\n`));
  return {
    trustsFiles,
    finish: () => {
      rmSync(path, { force: true });
      syncFolder(dirname(path));
    },
  };
}

/** What is no number is no start that we know of. */
function startOf(note: Uint8Array): number {
  const [first = ''] = new TextDecoder().decode(note).split('\n');
  return /^\d{1,15}$/.test(first) ? Number(first) : 0;
}
