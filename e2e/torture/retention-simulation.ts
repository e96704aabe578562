/** Months of several devices on one vault: packages/custody/tests/_simulation.ts, for as long as there is time. */
import { simulate } from '../../packages/custody/tests/_simulation.ts';
import { eachRound, type TortureJob } from './torture-job.ts';

const STEPS = 300;

export const retentionSimulation: TortureJob = {
  name: 'retention-simulation',
  tries:
    'backups, forgetting and collections of devices with wrong clocks, killed anywhere, for something a kept snapshot lost',
  run: async ({ seed, more, log }) => {
    const sums = new Map<string, number>();
    const count = await eachRound({ seed, more }, async (round) => {
      for (const [what, number] of Object.entries(await simulate({ seed: round, steps: STEPS }))) {
        sums.set(what, (sums.get(what) ?? 0) + number);
      }
    });
    log(`${count} rounds: ${[...sums].map(([what, sum]) => `${sum} ${what}`).join(', ')}`);
  },
};
