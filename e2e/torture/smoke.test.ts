/** A few rounds of the jobs that `npm run torture` goes on with for longer. */
import { describe, expect, test } from 'vitest';
import { damage } from './damage.ts';
import { databases } from './databases.ts';
import { drills } from './drills.ts';
import { keeper } from './keeper.ts';
import { costsAmong } from './many-snapshots.ts';
import { rounds, type TortureJob } from './torture-job.ts';

const SEED = 20_261_126;

const smoke: readonly (readonly [name: string, job: TortureJob, count: number])[] = [
  ['files damaged at random', damage, 6],
  ['a keeper that lies at random', keeper, 3],
  ['databases written meanwhile', databases, 1],
  ['drills of files of every format', drills, 1],
];

describe.skipIf(process.platform === 'win32')('torture, briefly', () => {
  test.each(smoke)('%s', { timeout: 600_000 }, async (_, job, count) => {
    const lines: string[] = [];
    await job.run({ seed: SEED, more: rounds(count), log: (line) => lines.push(line) });
    expect(lines.join('\n')).toContain(`${count} rounds`);
  });

  test('commands among many snapshots', { timeout: 600_000 }, async () => {
    // What they cost only the job judges.
    expect(await costsAmong(120)).toHaveLength(7);
  });
});
