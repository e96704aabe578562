/** Files of a repository damaged at random; see e2e/damage. */
import { RandomDamage } from '../damage/random-damage.ts';
import { eachRound, type TortureJob } from './torture-job.ts';

export const damage: TortureJob = {
  name: 'damage',
  tries:
    'files of a repository flipped, cut, swapped, gone, older: for wrong bytes, losses not told, what does not heal',
  run: async ({ seed, more, log }) => {
    using damages = await RandomDamage.create();
    const count = await eachRound({ seed, more }, async (round) => {
      await damages.round(round);
    });
    log(`${count} rounds`);
  },
};
