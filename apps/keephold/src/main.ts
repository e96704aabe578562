/**
 * Builds the surroundings of a run from the process and runs it. Ctrl-C once lets the verb finish what must not be lost
 * (a checkpoint); a second time ends at once.
 */
import { readFileSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { isServer } from './access/repository-folder.ts';
import { exactArguments } from './command-line/raw-text.ts';
import type { Context } from './context.ts';
import { end } from './end.ts';
import type { Environment } from './environment.ts';
import { exitCodes } from './errors.ts';
import { runProgram } from './program.ts';
import { systemTerminal } from './terminal/ask.ts';

function commandLine(): Uint8Array | undefined {
  try {
    return readFileSync('/proc/self/cmdline');
  } catch {
    return undefined;
  }
}

function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return (manifest as { readonly version: string }).version;
}

interface Interrupts {
  readonly signal: AbortSignal;
  readonly onHangUp: NonNullable<Context['onHangUp']>;
}

function listenToSignals(environment: Environment): Interrupts {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) return void end(environment, exitCodes.interrupted);
    process.stderr.write('\nkeephold: stopping, what is stored stays stored (again to stop at once)\n');
    controller.abort();
  };
  let hangUp = stop;
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, stop);
  process.on('SIGHUP', () => hangUp());
  return {
    signal: controller.signal,
    onHangUp: (listener) => {
      hangUp = listener;
    },
  };
}

async function spawnParityWorker(): Promise<Worker> {
  return (await import('./workers.ts')).spawnParityWorker();
}

/** Runs the command and ends the process. */
export async function main(environment: Environment): Promise<never> {
  const { signal, onHangUp } = listenToSignals(environment);
  const code = await runProgram({
    args: exactArguments(process.argv.slice(2), commandLine),
    stdout: process.stdout,
    stderr: process.stderr,
    environment,
    terminal: systemTerminal(() => process.stdin, process.stderr),
    signal,
    onHangUp,
    version: ownVersion(),
    openRepository: async (place, options) => {
      if (isServer(place)) {
        const { openServer } = await import('./access/server-custody.ts');
        return await openServer(environment, place);
      }
      const { openPlace } = await import('./access/open-place.ts');
      return await openPlace(environment, place, { spawnParityWorker, ...options });
    },
    now: Date.now,
  });
  // Everything is written by now; what a worker or a socket still holds open is of no use to anyone.
  return await end(environment, code);
}
