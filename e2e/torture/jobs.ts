/** All torture jobs, by name. A new one is a file beside this and a line here. */
import { crash } from './crash.ts';
import { crashKills } from './crash-kill.ts';
import { damage } from './damage.ts';
import { databases } from './databases.ts';
import { drills } from './drills.ts';
import { hostileBytes } from './hostile-bytes.ts';
import { keeper } from './keeper.ts';
import { manyFiles } from './many-files.ts';
import { manySnapshots } from './many-snapshots.ts';
import { retentionModel } from './retention-model.ts';
import { retentionSimulation } from './retention-simulation.ts';
import { severalWritersJob } from './several-writers.ts';
import type { TortureJob } from './torture-job.ts';
import { wholeSuites } from './whole-suites.ts';

export const jobs: readonly TortureJob[] = [
  crash,
  ...crashKills,
  damage,
  databases,
  drills,
  hostileBytes,
  keeper,
  manyFiles,
  manySnapshots,
  retentionModel,
  retentionSimulation,
  severalWritersJob,
  ...wholeSuites,
];
