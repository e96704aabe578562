/** Starts the worker threads and processes of jobs: the entries are files of this program, so only it can name them. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';

/** Workers keep what they work on in shared memory; their own objects are few and short-lived. Megabytes. */
const resourceLimits = { maxYoungGenerationSizeMb: 3, maxOldGenerationSizeMb: 128 };

/** `others`: how many there are already. One worker alone has little to do, and then speed matters. */
export function spawnBackupWorker(others: number): Worker {
  if (others > 0) preferSmallMemory();
  haveFewYoungObjects();
  return new Worker(new URL(entryName('backup-worker'), import.meta.url), { resourceLimits });
}

/** For a restore: its plan is in memory too. */
export function spawnRestoreWorker(): Worker {
  preferSmallMemory();
  return spawnReadWorker();
}

/** For what only reads. */
export function spawnReadWorker(): Worker {
  haveFewYoungObjects();
  return new Worker(new URL(entryName('read-worker'), import.meta.url), { resourceLimits });
}

/** For a repository that keeps parity. */
export function spawnParityWorker(): Worker {
  return new Worker(new URL(entryName('parity-worker'), import.meta.url), { resourceLimits });
}

/** Of the process that opens restored files. */
export function openerEntry(): URL {
  return new URL(entryName('open-worker'), import.meta.url);
}

/** It gets nothing of the environment, where passwords may stand; Windows cannot do without. */
export function spawnDatabaseCopyProcess(): ChildProcess {
  return fork(fileURLToPath(new URL(entryName('database-copy-worker'), import.meta.url)), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: import.meta.url.endsWith('.ts') ? ['--conditions=@keephold/source'] : [],
    ...(process.platform === 'win32' ? {} : { env: {} }),
  });
}

/**
 * From here on memory matters more than the speed of JavaScript: the work is done in native code and shared memory. Not
 * before, because commands that only look are JavaScript through and through.
 */
function preferSmallMemory(): void {
  setFlagsFromString('--optimize-for-size');
}

/**
 * For threads that start from here on. The command starts with such a flag, which prevails over the limit that a thread
 * is given.
 */
function haveFewYoungObjects(): void {
  setFlagsFromString('--max-semi-space-size=1');
}

/** In development sources run as they are; what is published lies beside this file as JavaScript. */
function entryName(name: string): string {
  return `./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`;
}
