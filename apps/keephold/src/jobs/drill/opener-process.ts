/** Opens files in a process of its own, which is killed when one takes too long and started again for the next. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Opening } from '@keephold/drill';
import { openerEntry } from '../../workers.ts';

export interface OpenRequest {
  readonly path: Uint8Array;
}
export type OpenAnswer = Opening;

/** Megabytes of JavaScript objects in it: files are looked at in pieces. */
const HEAP = 128;

export class OpenerProcess implements Disposable {
  #child: ChildProcess | undefined;

  /** One at a time. `milliseconds`: it is given up after that. */
  async open(path: Uint8Array, milliseconds: number): Promise<OpenAnswer> {
    const child = (this.#child ??= start());
    const { promise, resolve } = Promise.withResolvers<OpenAnswer>();
    const giveUp = (reason: string): void => {
      this.#end();
      resolve({ kind: 'undecided', format: undefined, reason });
    };
    const onExit = (code: number | null, signal: string | null): void =>
      giveUp(`the process that opens files ended with ${signal ?? code}`);
    const onError = (error: Error): void => giveUp(`files cannot be opened: ${error.message}`);
    const onMessage = (answer: unknown): void => resolve(answer as OpenAnswer);
    const timer = setTimeout(
      () => giveUp(`opening it took longer than ${Math.round(milliseconds / 1000)} s`),
      milliseconds,
    );
    child.once('exit', onExit).once('error', onError).once('message', onMessage);
    child.send({ path } satisfies OpenRequest, (error) => {
      if (error !== null) onError(error);
    });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      child.off('exit', onExit).off('error', onError).off('message', onMessage);
    }
  }

  #end(): void {
    // Nobody listens any more to what it says in its last moments.
    this.#child?.removeAllListeners().on('error', () => {});
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}

function start(): ChildProcess {
  return fork(openerEntry(), {
    execArgv: [...process.execArgv, `--max-old-space-size=${HEAP}`],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}
