/** Eight devices on one vault at once, one of them malicious; see e2e/writers. */
import { severalWriters } from '../writers/several-writers.ts';
import { eachRound, type TortureJob } from './torture-job.ts';

export const severalWritersJob: TortureJob = {
  name: 'several-writers',
  tries: 'backups, forgetting and collections of eight devices at once, one of them malicious, for anything lost',
  run: async ({ seed, more, log }) => {
    await eachRound({ seed, more }, async (round) => {
      const report = await severalWriters({ seed: round, devices: 8, steps: 6, maliciousActs: 60, restored: 3 });
      const { backups, forgotten, collections, restored, acts } = report;
      log(`${backups} backups, ${forgotten} forgotten, ${collections} collections, ${restored} restored`);
      log(JSON.stringify(acts));
    });
  },
};
