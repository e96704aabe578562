/** The command stopped at every single operation on files, by a kill and by a loss of power; see e2e/crash. */
import { scenarios } from '../crash/scenarios.ts';
import { canRecord, tryCrashes } from '../crash/try-crashes.ts';
import { World } from '../crash/world.ts';
import { eachRound, type TortureJob } from './torture-job.ts';

/** So many rounds of one scenario stop it everywhere. */
const PARTS = 8;

export const crash: TortureJob = {
  name: 'crash',
  tries: `the command killed, and the power lost, at every operation: ${scenarios.length} commands in ${PARTS} rounds each`,
  run: async ({ seed, more, log }) => {
    if (!canRecord()) return log('skipped: needs strace');
    await eachRound({ seed, more }, async (round) => {
      const scenario = scenarios[round % scenarios.length];
      const phase = Math.floor(round / scenarios.length) % PARTS;
      if (scenario === undefined) return;
      using world = new World();
      const { failures, ...counts } = await tryCrashes(world, { scenario, seed: round, every: PARTS, phase, log });
      const told = `${counts.kills} kills, ${counts.powerLosses} losses of power over ${counts.operations} operations`;
      log(`${scenario.name} (${phase + 1} of ${PARTS}): ${told}; at most ${counts.storedAgain} bytes stored again`);
      if (failures.length > 0) throw new Error(`${failures.length} failures, the first: ${failures[0]}`);
    });
  },
};
