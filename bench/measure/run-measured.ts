/** Runs one program to its end and says what it took: time, processor, memory. It prints nothing. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Invocation } from '../tools/backup-tool.ts';
import { canRun, firstLine } from '../tools/find-programs.ts';
import { watchPeak } from './watch-peak.ts';

export interface Measured {
  readonly seconds: number;
  /** User and system, of all its processes; only GNU time knows. */
  readonly cpuSeconds: number | undefined;
  /** Resident bytes of its largest process. */
  readonly peakBytes: number | undefined;
}

export interface RunOptions {
  /** All of it; nothing is inherited but PATH and TMPDIR. */
  readonly environment: Readonly<Record<string, string>>;
  /** $HOME, and the current folder unless the invocation names one. */
  readonly home: string;
}

export class ProgramFailedError extends Error {
  readonly code = 'program-failed';
}

const gnuTime = findGnuTime();
/** Two may run at once in one home. */
let runs = 0;

/** How memory is read on this machine, for the report. */
export const memorySource: string = gnuTime === undefined ? '/proc/PID/status, every 10 ms' : 'GNU time';

/** @throws ProgramFailedError with the end of what the program said. */
export async function runMeasured(invocation: Invocation, options: RunOptions): Promise<Measured> {
  const report = join(options.home, `.time-${runs++}`);
  const stdout = invocation.stdout === undefined ? 'ignore' : openSync(invocation.stdout, 'w');
  const [program, args] =
    gnuTime === undefined
      ? [invocation.program, invocation.args]
      : [gnuTime, ['-f', '%U %S %M', '-o', report, invocation.program, ...invocation.args]];
  const start = process.hrtime.bigint();
  const child = spawn(program, args, {
    cwd: invocation.cwd ?? options.home,
    env: environmentOf(options),
    stdio: ['ignore', stdout, 'pipe'],
    // A group of its own, which can be ended as a whole.
    detached: true,
  });
  const endGroup = (): void => killGroup(child.pid);
  process.prependOnceListener('exit', endGroup);
  const peak = gnuTime === undefined ? watchPeak(child.pid) : undefined;
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  const end = await new Promise<{ code: number | null; at: bigint }>((resolve, reject) => {
    let at = 0n;
    child.on('error', reject);
    child.on('exit', () => (at = process.hrtime.bigint()));
    child.on('close', (code) => resolve({ code, at }));
  });
  process.off('exit', endGroup);
  if (typeof stdout === 'number') closeSync(stdout);
  const used = gnuTime === undefined ? { cpuSeconds: undefined, peakBytes: peak?.() } : readReport(report);
  if (end.code !== 0) {
    throw new ProgramFailedError(
      `${invocation.program} ${invocation.args.join(' ')}: exit code ${end.code}: ${said.trim()}`,
    );
  }
  return { seconds: Number(end.at - start) / 1e9, ...used };
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function environmentOf({ environment, home }: RunOptions): Record<string, string> {
  const inherited = ['PATH', 'TMPDIR'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(inherited), HOME: home, LC_ALL: 'C.UTF-8', TZ: 'UTC', ...environment };
}

/** A failed program has a line before the numbers. */
function readReport(path: string): { cpuSeconds: number; peakBytes: number } {
  const line = readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? '';
  rmSync(path);
  const [user = 0, system = 0, kilobytes = 0] = line.split(' ').map(Number);
  return { cpuSeconds: user + system, peakBytes: kilobytes * 1024 };
}

function findGnuTime(): string | undefined {
  return ['/usr/bin/time', '/opt/homebrew/bin/gtime', '/usr/local/bin/gtime'].find((path) => {
    try {
      return canRun(path) && firstLine(path, ['--version']).includes('GNU');
    } catch {
      // The time of BSD and macOS knows no --version.
      return false;
    }
  });
}
