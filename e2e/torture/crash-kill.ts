/** The running command killed at random times; see e2e/crash. One job for each command, so that they can run side by side. */
import { killAtRandom } from '../crash/random-kills.ts';
import type { Scenario } from '../crash/scenario.ts';
import { killedScenarios } from '../crash/scenarios.ts';
import { World } from '../crash/world.ts';
import { eachRound, type TortureJob } from './torture-job.ts';

const KILLS = 20;

export const crashKills: readonly TortureJob[] = killedScenarios.map(crashKill);

function crashKill(scenario: Scenario): TortureJob {
  return {
    name: `kill-${scenario.name}`,
    tries: `${scenario.name} killed at random times on a real disk, ${KILLS} times a round`,
    run: async ({ seed, more, log }) => {
      await eachRound({ seed, more }, async (round) => {
        using world = new World({ on: 'disk' });
        const tally = await killAtRandom(world, { scenario, seed: round, kills: KILLS });
        log(`seed ${round}: ${tally.describe()}`);
      });
    },
  };
}
