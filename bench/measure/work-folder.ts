/**
 * Where a run keeps its data, repositories and restored trees. What is done with is only moved aside as long as there
 * is room: file systems create files several times slower for minutes after many were deleted, and the next tool would
 * pay for it.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const KEPT_FREE = 10e9;
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export class WorkFolder {
  readonly path: string;
  #discarded = 0;
  readonly #remove = (): void => rmSync(this.path, { recursive: true, force: true });
  readonly #end = (): void => process.exit(1);

  /** Below $BENCH_DIR, or the system's temporary folder. */
  constructor() {
    const parent = process.env['BENCH_DIR'] ?? tmpdir();
    mkdirSync(parent, { recursive: true });
    this.path = mkdtempSync(join(parent, 'keephold-bench-'));
    // Gigabytes must not stay behind, however the run ends.
    process.once('exit', this.#remove);
    for (const signal of ENDING) process.once(signal, this.#end);
  }

  /** An empty folder of this name; what was there is done with. */
  fresh(name: string): string {
    const path = join(this.path, name);
    this.discard(path);
    mkdirSync(path, { recursive: true });
    return path;
  }

  discard(path: string): void {
    if (!existsSync(path)) return;
    const { bavail, bsize } = statfsSync(this.path);
    const aside = join(this.path, `done-with-${this.#discarded++}`);
    renameSync(path, aside);
    if (bavail * bsize < KEPT_FREE) rmSync(aside, { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#remove);
    for (const signal of ENDING) process.off(signal, this.#end);
    this.#remove();
  }
}

/** A copy with modes and times, which leaves the files in the page cache. */
export function copyTree(from: string, to: string): void {
  const { status } = spawnSync('cp', ['-a', `${from}/.`, to]);
  if (status !== 0) cpSync(from, to, { recursive: true, preserveTimestamps: true });
}

/** Lets the disk finish what was written before, so that nobody pays for another's writes. */
export function settleDisk(): void {
  spawnSync('sync');
}
