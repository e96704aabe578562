/** An attacker in a thread of its own: keeps exchanging ROOT/d for a link to `outside` until the flag is set. */
import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';

const { root, outside, stop } = workerData as {
  readonly root: string;
  readonly outside: string;
  readonly stop: Int32Array;
};
let swaps = 0;

function attempt(step: () => void): boolean {
  try {
    step();
    return true;
  } catch {
    return false;
  }
}

while (Atomics.load(stop, 0) === 0) {
  const moved = join(root, `moved-${swaps}`);
  if (!attempt(() => renameSync(join(root, 'd'), moved))) continue;
  attempt(() => symlinkSync(outside, join(root, 'd')));
  Atomics.wait(stop, 0, 0, 0.1);
  attempt(() => unlinkSync(join(root, 'd')));
  // Half of the time an ordinary directory takes the place again.
  if (swaps % 2 === 0) attempt(() => mkdirSync(join(root, 'd')));
  attempt(() => rmSync(moved, { recursive: true, force: true }));
  swaps++;
}
parentPort?.postMessage(swaps);
