/** The running command killed at random times; see e2e/crash. */
import { killAtRandom } from '../crash/random-kills.ts';
import { scenarios } from '../crash/scenarios.ts';
import { World } from '../crash/world.ts';
import { eachRound, type TortureJob } from './torture-job.ts';

const KILLS = 20;

export const crashKill: TortureJob = {
  name: 'crash-kill',
  tries: `the command killed at random times, ${KILLS} times a round: ${25 * scenarios.length} rounds are 500 for each command`,
  run: async ({ seed, more, log }) => {
    const totals = new Map<string, number>();
    await eachRound({ seed, more }, async (round) => {
      const scenario = scenarios[round % scenarios.length];
      if (scenario === undefined) return;
      using world = new World();
      const killed = await killAtRandom(world, { scenario, seed: round, kills: KILLS });
      totals.set(scenario.name, (totals.get(scenario.name) ?? 0) + killed);
    });
    for (const [name, killed] of totals) log(`${name}: killed ${killed} times while it ran`);
  },
};
