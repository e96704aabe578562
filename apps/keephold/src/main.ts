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
  let isInterrupted = false;
  const stop = (): void => {
    if (isInterrupted) return void end(environment, exitCodes.interrupted);
    process.stderr.write('\nkeephold: stopping, what is stored stays stored (again to stop at once)\n');
    isInterrupted = true;
    controller.abort();
  };
  // The channel to an agent (packages/agent): it closes when this is to end, and when the agent is gone, maybe by now.
  if (process.connected) process.once('disconnect', () => controller.abort());
  else if (process.send !== undefined) controller.abort();
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

const progressEvery = 500;

/** To the agent that started this, if one did. */
function progressReport(): Context['onProgress'] {
  if (!process.connected) return undefined;
  let toldAt = Number.NEGATIVE_INFINITY;
  return (progress) => {
    const now = performance.now();
    if (now - toldAt < progressEvery || !process.connected) return;
    toldAt = now;
    process.send?.(progress, undefined, undefined, () => {});
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
    onProgress: progressReport(),
    version: ownVersion(),
    openRepository: async (place, { askCode, ...options }) => {
      if (isServer(place)) {
        const { openServer } = await import('./access/server-custody.ts');
        return await openServer(environment, place, { askCode, writeLimit: options.writeLimit });
      }
      const { openPlace } = await import('./access/open-place.ts');
      return await openPlace(environment, place, { spawnParityWorker, ...options });
    },
    now: Date.now,
  });
  // Everything is written by now; what a worker or a socket still holds open is of no use to anyone.
  return await end(environment, code);
}
