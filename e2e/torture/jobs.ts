/** All torture jobs, by name. A new one is a file beside this and a line here. */
import { crash } from './crash.ts';
import { crashKills } from './crash-kill.ts';
import { hostileBytes } from './hostile-bytes.ts';
import { manyFiles } from './many-files.ts';
import { retentionModel } from './retention-model.ts';
import { retentionSimulation } from './retention-simulation.ts';
import { severalWritersJob } from './several-writers.ts';
import type { TortureJob } from './torture-job.ts';

export const jobs: readonly TortureJob[] = [
  crash,
  ...crashKills,
  hostileBytes,
  manyFiles,
  retentionModel,
  retentionSimulation,
  severalWritersJob,
];
