/**
 * Runs a tool of the system: looked up in folders that only root writes, fixed arguments, no shell, an environment of
 * its own, in a session of its own so that Ctrl-C does not cut it short, with an end to its time and its output.
 */
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';

const FOLDERS: readonly string[] = ['/usr/bin', '/usr/sbin', '/bin', '/sbin', '/run/current-system/sw/bin'];
const MAX_OUTPUT: number = 16 * 1024;
/** Writing out what is not on the disk yet comes first, and may be all of the memory. */
const LONGEST_MS: number = 5 * 60_000;
const OTHERS_MAY_WRITE = 0o022;

export interface ToolRun {
  /** Answer of findTool. */
  readonly program: string;
  readonly args: readonly string[];
  /** The working directory. */
  readonly folder: string;
  readonly longestMs?: number;
}

/** Absolute path of a program; undefined when the system has none that only root can have put there. */
export function findTool(name: string, folders: readonly string[] = FOLDERS): string | undefined {
  return folders.map((folder) => `${folder}/${name}`).find(isSystemProgram);
}

function isSystemProgram(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.uid === 0 && (stat.mode & OTHERS_MAY_WRITE) === 0 && (stat.mode & 0o111) !== 0;
}

/** What it wrote to its output. @throws Error that says what it wrote to its error output, or that it took too long. */
export async function runTool({ program, args, folder, longestMs = LONGEST_MS }: ToolRun): Promise<string> {
  const child = spawn(program, args, {
    cwd: folder,
    env: { LC_ALL: 'C', PATH: FOLDERS.join(':') },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const output = bounded(child.stdout);
  const errors = bounded(child.stderr);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
    // It may be in the kernel for longer: nobody waits for that.
    child.unref();
    reject(new Error(`${program} took longer than ${longestMs / 1000} s`));
  }, longestMs);
  child.once('error', reject);
  child.once('close', (code, signal) => {
    if (code === 0) resolve(output());
    else reject(new Error(lastLine(errors()) ?? `${program} ended with ${signal ?? code}`));
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/** Gathers the beginning of a stream and lets the rest pass. */
function bounded(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.on('data', (data: Buffer) => {
    if (text.length < MAX_OUTPUT) text += data.toString('latin1').slice(0, MAX_OUTPUT - text.length);
  });
  return () => text;
}

/** The tools give their reason last. */
function lastLine(text: string): string | undefined {
  return (
    text
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^ERROR: /, '') || undefined
  );
}
