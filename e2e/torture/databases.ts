/** Databases of drawn kinds, written all through the backup: each restored one holds a state that existed. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { BackupRepository } from '../../apps/keephold/tests/backup/_backup-repository.ts';
import { DatabaseWriter } from '../../apps/keephold/tests/backup/_database-writer.ts';
import { putBack, readBack } from '../../apps/keephold/tests/backup/_read-back.ts';
import { transactionsIn } from '../../apps/keephold/tests/backup/_transfers.ts';
import { SeededRandom } from '../crash/seeded-random.ts';
import { eachRound, type TortureJob, type TortureOptions } from './torture-job.ts';

const MODES = ['wal', 'wal', 'delete', 'truncate', 'persist'];
const PAGE_SIZES = [512, 1024, 4096, 8192, 65_536];
/** More than is copied under one lock at once, now and then. */
const FILLINGS = [0, 0, 0, 10_000_000, 40_000_000];
const MOST_DATABASES = 3;
const BACKUPS = 2;

export const databases: TortureJob = {
  name: 'databases',
  tries: 'SQLite databases written all through backups, in every mode: for one that comes back torn',
  run: async (options) => {
    const count = await databaseRounds(options);
    options.log(`${count.rounds} rounds, ${count.restored} databases restored`);
  },
};

export async function databaseRounds({
  seed,
  more,
}: TortureOptions): Promise<{ readonly rounds: number; readonly restored: number }> {
  let restored = 0;
  const rounds = await eachRound({ seed, more }, async (round) => {
    restored += await backUpWhileWritten(new SeededRandom(round));
  });
  return { rounds, restored };
}

/** How many databases were restored and hold what so many transactions make. */
async function backUpWhileWritten(random: SeededRandom): Promise<number> {
  using backups = await BackupRepository.create();
  const root = join(backups.folder, 'data');
  mkdirSync(root);
  const draw = <T>(list: readonly T[]): T => list[random.below(list.length)]!;
  const names = Array.from({ length: 1 + random.below(MOST_DATABASES) }, (_, i) => `${i}.db`);
  const writers = names.map((name) => {
    const options = { pageSize: draw(PAGE_SIZES), filling: draw(FILLINGS) };
    return { name, writer: new DatabaseWriter(join(root, name), draw(MODES), options) };
  });
  let restored = 0;
  try {
    for (let run = 0; run < BACKUPS; run++) {
      const before = await Promise.all(writers.map(async ({ writer }) => await writer.commits(1 + random.below(40))));
      await backups.backup({ roots: [root] });
      const target = mkdtempSync(join(backups.folder, 'restored-'));
      const files = await readBack(backups, root);
      for (const [i, { name, writer }] of writers.entries()) {
        putBack(files, name, join(target, name));
        const found = transactionsIn(join(target, name));
        // What was committed and not yet told may be in it, so it is asked afterwards.
        const after = await writer.commits(1);
        if (found < before[i]! || found > after)
          throw new Error(`${name} holds ${found} transactions, and had ${before[i]} to ${after} meanwhile`);
        restored += 1;
      }
    }
    return restored;
  } finally {
    for (const { writer } of writers) await writer.kill();
  }
}
