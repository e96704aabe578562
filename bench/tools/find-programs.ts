/** Where the programs to measure are: below $BENCH_PEERS, else on the PATH. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The newest that matches a pattern below $BENCH_PEERS, else the name on the PATH. */
export function findProgram(name: string, patterns: readonly string[]): string | undefined {
  const peers = process.env['BENCH_PEERS'];
  const below =
    peers === undefined ? [] : patterns.flatMap((pattern) => globSync(join(peers, pattern)).sort(byVersion));
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
  return [...below.toReversed(), ...onPath].find(canRun);
}

export function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** First line of what a program prints. */
export function firstLine(program: string, args: readonly string[]): string {
  const output = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return output.trim().split('\n')[0] ?? '';
}

function byVersion(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
