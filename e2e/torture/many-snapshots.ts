/** Ten thousand snapshots in one vault, and a quarter of them: what deals with them grows with their number, no faster. */
import { buildCommand } from '../../bench/measure/build-command.ts';
import type { Measured } from '../../bench/measure/run-measured.ts';
import { WorkFolder } from '../../bench/measure/work-folder.ts';
import { plantedPlace } from '../../bench/scale/planted-place.ts';
import { snapshotSteps } from '../../bench/scale/snapshots-cost.ts';
import { eachRound, type TortureJob } from './torture-job.ts';

const SNAPSHOTS = 10_000;
const FACTOR = 4;
/** Times what is linear: what is quadratic takes four times that. Processor time on a busy machine is read to a third. */
const SLACK = 2;
const MEMORY = 256e6;

export const manySnapshots: TortureJob = {
  name: 'many-snapshots',
  tries: `snapshots, forget and gc among ${SNAPSHOTS.toLocaleString('en')} snapshots: for cost that grows faster than their number`,
  run: async ({ seed, more, log }) => {
    // Planted as the benchmark does: always the same.
    await eachRound({ seed, more }, async () => await compareSnapshots(SNAPSHOTS, log));
  },
};

/** What commands take among so many snapshots. @throws Error when one fails */
export async function costsAmong(snapshots: number): ReturnType<typeof snapshotSteps> {
  buildCommand();
  using work = new WorkFolder();
  return await snapshotSteps(plantedPlace(work, snapshots));
}

/** @throws Error that says which command takes too much */
async function compareSnapshots(snapshots: number, log: (line: string) => void): Promise<void> {
  const few = await costsAmong(snapshots / FACTOR);
  const many = await costsAmong(snapshots);
  for (const [i, { title, ...spent }] of many.entries()) {
    const before = few[i]!;
    log(`${title}: ${told(before)}, then ${told(spent)}`);
    const [once = 0, more = 0] = [before.cpuSeconds, spent.cpuSeconds];
    if (more > FACTOR * SLACK * once)
      throw new Error(`${title} takes ${more} s with ${FACTOR} times the snapshots that it takes ${once} s with`);
    if ((spent.peakBytes ?? 0) > MEMORY) throw new Error(`${title} takes ${spent.peakBytes} bytes of memory`);
  }
}

function told({ cpuSeconds, peakBytes }: Measured): string {
  return `${cpuSeconds?.toFixed(2)} s of processor time and ${((peakBytes ?? 0) / 1e6).toFixed(0)} MB`;
}
