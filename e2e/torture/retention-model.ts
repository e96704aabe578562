/** The exhaustive search of packages/custody/tests/_vault-model.ts, in larger vaults than a test has time for. */
import { search } from '../../packages/custody/tests/_model-search.ts';
import { keeperRules, type ModelSize } from '../../packages/custody/tests/_vault-model.ts';
import type { TortureJob } from './torture-job.ts';

const SIZES: readonly ModelSize[] = [
  { packs: 2, snapshots: 2, replays: true, rots: false, holds: true },
  { packs: 2, snapshots: 2, replays: true, rots: false, holds: false },
  { packs: 3, snapshots: 1, replays: false, rots: false, holds: false },
  { packs: 3, snapshots: 2, replays: false, rots: false, holds: false },
  { packs: 2, snapshots: 4, replays: true, rots: false, holds: false },
  { packs: 2, snapshots: 2, replays: true, rots: true, holds: false },
];

/** Nothing is random here: a round is a size. */
export const retentionModel: TortureJob = {
  name: 'retention-model',
  tries: 'every history of a small vault, for one in which a pack goes that a kept snapshot needs',
  run: async ({ more, log }) => {
    for (const [round, size] of SIZES.entries()) {
      if (!more(round)) return;
      const { states, steps, depth, broken } = search(keeperRules, size);
      log(`${JSON.stringify(size)}: ${states} states, ${steps} steps, at most ${depth} from the start`);
      if (broken !== undefined) throw new Error(`${broken.cause}\n  ${broken.history.join('\n  ')}`);
    }
  },
};
