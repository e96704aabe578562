/** A few of what `npm run torture -- crash crash-kill` does in full: every command, stopped at some operations. */
import { describe, expect, test } from 'vitest';
import { killAtRandom } from './random-kills.ts';
import { scenarios } from './scenarios.ts';
import { canRecord, tryCrashes } from './try-crashes.ts';
import { World } from './world.ts';

const SEED = 20_261_125;
/** Of each command's crashes, one in so many: two or three. */
const EVERY = 260;

describe.skipIf(process.platform === 'win32')('crash', () => {
  const commands = scenarios.filter(({ name }) =>
    ['changed-backup', 'restore', 'restore-sync', 'gc', 'change-password', 'init'].includes(name),
  );

  test.for(commands.map((scenario) => [scenario.name, scenario] as const))(
    'of %s loses nothing, whatever it stops at',
    { timeout: 300_000 },
    async ([name, scenario], { skip }) => {
      skip(!canRecord(), 'skipped: needs strace');
      using world = new World();
      const every = name === 'change-password' ? 60 : EVERY;
      const attempt = { scenario, seed: SEED, every, phase: SEED, log: () => {} };
      const { failures, kills, powerLosses } = await tryCrashes(world, attempt);
      expect(failures).toEqual([]);
      expect(kills + powerLosses).toBeGreaterThan(0);
    },
  );

  test('of a backup that is killed at any time loses nothing', { timeout: 300_000 }, async () => {
    const scenario = scenarios.find(({ name }) => name === 'first-backup');
    using world = new World();
    expect((await killAtRandom(world, { scenario: scenario!, seed: SEED, kills: 3 })).killed).toBe(3);
  });
});
