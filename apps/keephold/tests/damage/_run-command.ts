/** Runs a command in this process: arguments in, exit code and output out. */
import { type OpenOptions, openRepositoryFolder } from '@keephold/custody';
import type { Custody } from '@keephold/protocol';
import { isServer } from '../../src/access/repository-folder.ts';
import { openServer } from '../../src/access/server-custody.ts';
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

/** The keeper as the command is to see it. */
export type Disguise = (truth: Custody) => Custody;

export async function runCommand(
  { args, environment }: CommandRequest,
  disguise: Disguise = (truth) => truth,
): Promise<CommandAnswer> {
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
    openRepository: async (place, options) => disguise(await opened(environment, place, options)),
    now: Date.now,
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

async function opened(environment: Environment, place: string, options: OpenOptions): Promise<Custody> {
  return isServer(place) ? await openServer(environment, place) : await openRepositoryFolder(place, options);
}

async function neverAsked(): Promise<never> {
  throw new Error('nobody can answer');
}
