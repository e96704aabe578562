/** The command against a keeper that lies at random; see e2e/keeper. */
import { RandomLies } from '../keeper/random-lies.ts';
import { eachRound, type TortureJob } from './torture-job.ts';

export const keeper: TortureJob = {
  name: 'keeper',
  tries:
    'a keeper that lies: for wrong bytes, an older state taken for the newest, damage done on the strength of lies',
  run: async ({ seed, more, log }) => {
    using lies = await RandomLies.create();
    const count = await eachRound({ seed, more }, async (round) => {
      await lies.round(round);
    });
    log(`${count} rounds`);
  },
};
