/** Drills of files that are broken, changed or gone; see e2e/drill. */
import { drillOnce } from '../drill/random-drills.ts';
import { eachRound, type TortureJob } from './torture-job.ts';

export const drills: TortureJob = {
  name: 'drills',
  tries: 'drills of sound, broken, changed and lost files of every format: for one that is judged otherwise',
  run: async ({ seed, more, log }) => {
    const sums = new Map<string, number>();
    const count = await eachRound({ seed, more }, async (round) => {
      const { outcomes } = await drillOnce(round);
      for (const [outcome, files] of Object.entries(outcomes)) sums.set(outcome, (sums.get(outcome) ?? 0) + files);
    });
    log(`${count} rounds: ${[...sums].map(([outcome, files]) => `${files} ${outcome}`).join(', ')}`);
  },
};
