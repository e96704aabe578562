/**
 * An attacker who may write into the target of a restore: until it is killed, it exchanges folders of TARGET for links to
 * OUTSIDE, and names in them for links to OUTSIDE/victim. It undoes most of it, so that the restore gets on.
 *
 *   node _swap-process.ts TARGET OUTSIDE
 */
import { lstatSync, readdirSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

const [target, outside] = process.argv.slice(2) as [string, string];
const pause = new Int32Array(new SharedArrayBuffer(4));
let swaps = 0;

function attempt(step: () => void): boolean {
  try {
    step();
    return true;
  } catch {
    // Somebody was faster.
    return false;
  }
}

function folders(at: string): string[] {
  try {
    return readdirSync(at, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('aside'))
      .map(({ name }) => join(at, name));
  } catch {
    return [];
  }
}

function swap(folder: string): void {
  const aside = join(target, `aside-${swaps}`);
  if (!attempt(() => renameSync(folder, aside))) return;
  attempt(() => symlinkSync(outside, folder));
  Atomics.wait(pause, 0, 0, swaps % 4);
  attempt(() => unlinkSync(folder));
  if (lstatSync(aside).isSymbolicLink() || swaps % 10 === 0) rmSync(aside, { recursive: true, force: true });
  else if (!attempt(() => renameSync(aside, folder))) rmSync(aside, { recursive: true, force: true });
  attempt(() => symlinkSync(join(outside, 'victim'), join(folder, `f${swaps % 30}`)));
  swaps++;
  if (swaps % 10 === 0) process.stdout.write(`${swaps}\n`);
}

for (;;) {
  for (const folder of folders(target).flatMap((one) => [one, ...folders(one)])) {
    swap(folder);
    Atomics.wait(pause, 0, 0, 2);
  }
  Atomics.wait(pause, 0, 0, 1);
}
