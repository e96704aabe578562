/** A repository with years of snapshots, by plant-snapshots, for commands to be measured on. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { textFiles } from '../data/text-files.ts';
import type { WorkFolder } from '../measure/work-folder.ts';
import { keepholdEnvironment } from '../tools/keephold.ts';
import { KeepholdPlace } from './keephold-place.ts';

export function plantedPlace(work: WorkFolder, snapshots: number): KeepholdPlace {
  const place = new KeepholdPlace(work);
  textFiles({ files: 200, bytes: 600e3 }).make(place.source);
  const args = ['--conditions=@keephold/source', join(import.meta.dirname, '../scale.ts'), 'plant-snapshots'];
  // A process of its own, whose clock it sets, and which can resolve the sources.
  execFileSync(process.execPath, [...args, place.source, String(snapshots)], {
    env: { PATH: process.env['PATH'], HOME: place.state, ...keepholdEnvironment(place) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return place;
}
