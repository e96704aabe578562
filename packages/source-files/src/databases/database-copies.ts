/**
 * Copies of databases in use, made by a process of its own (copy-database.ts) that is started for the first of them.
 * Whatever happens to that process is an answer: the database is then read like any other file.
 */
import type { ChildProcess } from 'node:child_process';
import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type DatabaseCopies, type DatabaseCopy, STAT_ROW_WORDS, sizeOf } from '@keephold/engine';
import { copyStats } from '../reading/portable-rows.ts';
import type { CopyAnswer, CopyRequest } from './copy-messages.ts';

/** Milliseconds for a database, and bytes a millisecond that the slowest disk reads. */
const SHORTEST_TIME = 60_000;
const SLOWEST_RATE = 5000;

export interface DatabaseCopiesOptions {
  /** Starts a process whose entry calls runDatabaseCopyProcess, with an advanced channel. */
  readonly spawn: () => ChildProcess;
  /** Where copies go: made when it is needed, removed at the end. */
  readonly folder: string;
}

export function createDatabaseCopies(options: DatabaseCopiesOptions): DatabaseCopies {
  return new ProcessCopies(options);
}

class ProcessCopies implements DatabaseCopies {
  readonly #options: DatabaseCopiesOptions;
  #process: ChildProcess | undefined;
  #count = 0;

  constructor(options: DatabaseCopiesOptions) {
    this.#options = options;
  }

  async copy(path: Uint8Array, row: Uint32Array): Promise<DatabaseCopy> {
    const target = join(this.#options.folder, `${this.#count++}.sqlite`);
    const remove = (): void => {
      for (const ending of ['', '-journal']) rmSync(target + ending, { force: true });
    };
    try {
      mkdirSync(this.#options.folder, { recursive: true, mode: 0o700 });
      const inode = BigInt(row[6]!) + (BigInt(row[7]!) << 32n);
      const time = SHORTEST_TIME + sizeOf(row, 0) / SLOWEST_RATE;
      const answer = await this.#ask({ path: Uint8Array.from(path), inode, target }, time);
      if (answer.kind === 'copied') return { kind: 'copied', path: Buffer.from(target), stats: rowOf(target), remove };
      remove();
      return answer;
    } catch (cause) {
      remove();
      return { kind: 'not-copied', reason: (cause as Error).message };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    rmSync(this.#options.folder, { recursive: true, force: true });
  }

  async #ask(request: CopyRequest, time: number): Promise<CopyAnswer> {
    this.#process ??= this.#options.spawn();
    const child = this.#process;
    const { promise, resolve } = Promise.withResolvers<CopyAnswer>();
    const give = (reason: string): void => resolve({ kind: 'not-copied', reason });
    const onExit = (): void => {
      this.#process = undefined;
      give('the process that copies it ended');
    };
    const timer = setTimeout(() => {
      give('copying it took too long');
      void this.#end();
    }, time);
    child.once('message', resolve).once('exit', onExit).once('error', onExit);
    try {
      child.send(request);
      return await promise;
    } finally {
      clearTimeout(timer);
      child.off('message', resolve).off('exit', onExit).off('error', onExit);
    }
  }

  /** Resolves when nothing writes to the folder any more. */
  async #end(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    child.once('exit', () => resolve());
    child.on('error', () => resolve());
    child.kill('SIGKILL');
    await promise;
  }
}

function rowOf(path: string): Uint32Array {
  const row = new Uint32Array(STAT_ROW_WORDS);
  copyStats(lstatSync(path, { bigint: true }), row, 0);
  return row;
}
