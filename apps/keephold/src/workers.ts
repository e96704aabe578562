/** Starts the worker threads of the engine's jobs: the entries are files of this program, so only it can name them. */
import { Worker } from 'node:worker_threads';

export function spawnBackupWorker(): Worker {
  return new Worker(new URL(entryName('backup-worker'), import.meta.url));
}

export function spawnReadWorker(): Worker {
  return new Worker(new URL(entryName('read-worker'), import.meta.url));
}

/** In development sources run as they are; what is published lies beside this file as JavaScript. */
function entryName(name: string): string {
  return `./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`;
}
