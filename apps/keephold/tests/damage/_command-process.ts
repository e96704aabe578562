/** Runs commands one after the other for a test, in a process of its own: what crashes here is a failed test there. */
import { openRepositoryFolder } from '@keephold/custody';
import type { Environment } from '../../src/environment.ts';
import { runProgram } from '../../src/program.ts';
import { fakeStream } from '../../src/terminal/_fake-stream.ts';

export interface CommandRequest {
  readonly args: readonly string[];
  readonly environment: Environment;
}

export interface CommandAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

process.on('message', (request: CommandRequest) => {
  void run(request).then((answer) => process.send?.(answer));
});

async function run({ args, environment }: CommandRequest): Promise<CommandAnswer> {
  const stdout = fakeStream();
  const stderr = fakeStream();
  const code = await runProgram({
    args,
    stdout,
    stderr,
    environment,
    terminal: { canAsk: false, ask: neverAsked, askSecret: neverAsked },
    signal: new AbortController().signal,
    version: '0.0.0',
    openRepository: openRepositoryFolder,
    now: Date.now,
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

async function neverAsked(): Promise<never> {
  throw new Error('nobody can answer');
}
