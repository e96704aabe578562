/** A program that writes a database while it is backed up, in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

/** A process that commits without end. */
export class DatabaseWriter {
  readonly #process: ChildProcess;
  /** Transactions that it said are committed. */
  committed = 0;

  constructor(path: string, mode: string, { pageSize = 4096, filling = 0 } = {}) {
    const module = join(import.meta.dirname, '_database-writer-process.ts');
    const words = [
      '--conditions=@keephold/source',
      '--disable-warning=ExperimentalWarning',
      module,
      path,
      mode,
      String(pageSize),
      String(filling),
    ];
    this.#process = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.committed = Number(text.trimEnd().split('\n').at(-1));
    });
  }

  /** Resolves after some more commits. */
  async commits(more: number): Promise<number> {
    const wanted = this.committed + more;
    while (this.committed < wanted) {
      if (this.#process.exitCode !== null) throw new Error('the writer ended');
      await new Promise((resolve) => setImmediate(resolve));
    }
    return this.committed;
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('close', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }
}
