/**
 * Runs a plan in a child process: the same command, `backup --plan NAME --json`, without a terminal. It is in a process
 * group of its own, so that an interrupt typed at the agent does not reach it twice, and of the lowest priority. A channel
 * ties it to the agent: when that closes, by a stop or by the agent's death, the run ends with a checkpoint.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { lowerPriority } from '@keephold/ffi';
import type { Progress, Run, RunEnd, Runner } from './runner.ts';

export interface ChildCommand {
  readonly program: string;
  /** What comes before the verb. */
  readonly args: readonly string[];
  /**
   * What changed since the last run of the plan (docs/changed-folders.md), for the run to read before it looks at
   * anything. Never rejects; empty: nothing is known.
   */
  readonly changesOf: (plan: string) => Promise<string>;
}

/** A checkpoint over a slow line takes seconds; a minute is a process that hangs. */
const KILL_AFTER = 60_000;
const MAX_WORDS = 2000;

export function childRunner({ program, args, changesOf }: ChildCommand): Runner {
  return {
    start(plan, onProgress) {
      const child = spawn(program, [...args, 'backup', '--plan', plan, '--json', '--changed-folders', '-'], {
        detached: true,
        windowsHide: true,
        // Its records stay unread: what counts is written into the book of runs.
        stdio: ['pipe', 'ignore', 'pipe', 'ipc'],
      });
      if (child.pid !== undefined) lowerPriority(child.pid);
      // One that ended before it read them has no use for them.
      child.stdin?.on('error', () => undefined);
      void changesOf(plan).then((changes) => child.stdin?.end(changes));
      child.on('message', (message) => {
        const progress = progressOf(message);
        if (progress !== undefined) onProgress(progress);
      });
      return new ChildRun(child);
    },
  };
}

class ChildRun implements Run {
  readonly pid: number;
  readonly ended: Promise<RunEnd>;
  readonly #child: ChildProcess;
  #killing: NodeJS.Timeout | undefined;
  #hasEnded = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.ended = this.#end();
  }

  stop(): void {
    if (this.#killing !== undefined || this.#hasEnded) return;
    if (this.#child.connected) this.#child.disconnect();
    this.#killing = setTimeout(() => this.#kill(), KILL_AFTER);
  }

  /** With whatever it has started. */
  #kill(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      this.#child.kill('SIGKILL');
    }
  }

  async #end(): Promise<RunEnd> {
    const child = this.#child;
    let words = '';
    child.stderr?.on('data', (bytes: Buffer) => {
      words = (words + bytes.toString()).slice(-MAX_WORDS);
    });
    const end = await new Promise<RunEnd>((resolve) => {
      child.once('error', (error) => resolve({ exitCode: undefined, lastWords: error.message }));
      child.once('exit', (code) => resolve({ exitCode: code ?? undefined, lastWords: lastLine(words) }));
    });
    // From now on its number may be another process's.
    this.#hasEnded = true;
    clearTimeout(this.#killing);
    return end;
  }
}

function lastLine(words: string): string {
  return words.trim().split('\n').at(-1) ?? '';
}

function progressOf(message: unknown): Progress | undefined {
  if (typeof message !== 'object' || message === null || !('files' in message) || !('bytes' in message))
    return undefined;
  const { files, bytes } = message;
  if (typeof files !== 'number' || typeof bytes !== 'number') return undefined;
  return { files, bytes, ...total(message, 'totalFiles'), ...total(message, 'totalBytes') };
}

function total(message: object, name: 'totalFiles' | 'totalBytes'): Partial<Progress> {
  const value = (message as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'number' ? { [name]: value } : {};
}
