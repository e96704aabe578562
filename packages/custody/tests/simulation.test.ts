/** Days of several devices on one vault, with crashes; the same for longer: npm run torture -- retention-simulation. */
import { expect, it } from 'vitest';
import { simulate } from './_simulation.ts';

const SEED = 1;

it('nothing that a kept snapshot needs is ever gone, whoever acts, dies or has a wrong clock', async () => {
  for (let seed = SEED; seed < SEED + 4; seed++) {
    const report = await simulate({ seed, steps: 150 });
    console.log(`seed ${seed}: ${JSON.stringify(report)}`);
    expect(report.snapshots).toBeGreaterThan(5);
  }
});
