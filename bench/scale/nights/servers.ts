/** Servers as processes of the built command, with what they used in the end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { builtCommand } from '../../tools/installed-tools.ts';

export interface ServerUse {
  /** The most it held in memory. */
  readonly peakBytes: number;
  readonly cpuSeconds: number;
}

export interface ServerProcess {
  readonly url: string;
  /** For the first account. */
  readonly invitation: string | undefined;
  /** Ends it as SIGTERM does. */
  readonly stop: () => Promise<ServerUse>;
}

/** A second has so many. */
const TICKS = 100;

export async function startServer(folder: string, database: string | undefined): Promise<ServerProcess> {
  const place = database === undefined ? [] : ['--database', database];
  const child = spawn(builtCommand, ['serve', '--json', '--data', folder, '--listen', '127.0.0.1:0', ...place], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env['PATH'], HOME: folder },
  });
  return { ...(await listening(child)), stop: async () => await stop(child) };
}

async function listening(child: ChildProcess): Promise<Omit<ServerProcess, 'stop'>> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const { url, invitation } = JSON.parse(line) as { readonly url?: string; readonly invitation?: string };
    if (url === undefined) continue;
    // What else it says must not fill the pipe.
    child.stdout?.resume();
    return { url, invitation };
  }
  throw new Error('the server ended before it listened');
}

async function stop(child: ChildProcess): Promise<ServerUse> {
  const use = useOf(child.pid!);
  child.kill('SIGTERM');
  await once(child, 'exit');
  return use;
}

function useOf(pid: number): ServerUse {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const peak = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  // After the name, which may have spaces: the 12th and 13th fields are the ticks in user and in system mode.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return { peakBytes: peak, cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS };
}
