/** How fast a backup is while a collection of years of snapshots runs beside it. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { mediaFiles } from '../data/media-files.ts';
import type { Measured } from '../measure/run-measured.ts';
import { WorkFolder } from '../measure/work-folder.ts';
import { describeMachine } from '../report/machine.ts';
import { writeResultFiles } from '../report/result-files.ts';
import { KeepholdPlace } from './keephold-place.ts';
import { plantedPlace } from './planted-place.ts';

interface Beside {
  readonly title: string;
  readonly backup: Measured;
  readonly collections: number;
}

export async function proveBesideCollection({ quick }: { readonly quick: boolean }): Promise<void> {
  using work = new WorkFolder();
  const all = await measure(work, quick ? { snapshots: 250, bytes: 100e6 } : { snapshots: 2500, bytes: 1000e6 });
  const report = toMarkdown(all);
  const name = { date: new Date().toISOString(), what: 'scale-beside-gc', quick };
  console.log(`${report}\n${writeResultFiles(name, { md: report, json: `${JSON.stringify(all, null, 1)}\n` })}`);
}

/**
 * The same backup alone, beside collections of another vault, which take the same processor and disk, and beside
 * collections of its own vault, which take the lock as well.
 */
async function measure(
  work: WorkFolder,
  { snapshots, bytes }: { readonly snapshots: number; readonly bytes: number },
): Promise<Beside[]> {
  const place = plantedPlace(work, snapshots);
  await place.backup();
  await place.run('forget', '--keep-window-days', '0');
  mediaFiles(bytes).make(work.fresh('media'));
  const media = join(work.path, 'media');
  const all: Beside[] = [];
  for (const [title, collected] of [
    ['alone', undefined],
    ['beside gc of another vault', 'other'],
    ['beside gc of its own vault', 'own'],
  ] as const) {
    const own = copied(work, place, 'own');
    const other = copied(work, place, 'other');
    const collections = collected === undefined ? undefined : collect({ own, other }[collected]);
    const backup = await own.run('backup', media);
    all.push({ title, backup, collections: (await collections?.stop()) ?? 0 });
  }
  return all;
}

/** One after the other until told to stop; the first has thousands of packs to delete. */
function collect(place: KeepholdPlace): { stop(): Promise<number> } {
  let isStopped = false;
  const loop = async (): Promise<number> => {
    let count = 0;
    for (; !isStopped; count++) await place.run('gc', '--trash-days', '0', '--purge-days', '0');
    return count;
  };
  const running = loop();
  return {
    stop: async () => {
      isStopped = true;
      return await running;
    },
  };
}

function copied(work: WorkFolder, place: KeepholdPlace, name: string): KeepholdPlace {
  const copy = new KeepholdPlace(work, name);
  for (const part of ['repository', 'state'] as const) {
    cpSync(place[part], copy[part], { recursive: true, preserveTimestamps: true });
  }
  return copy;
}

function toMarkdown(all: readonly Beside[]): string {
  const { cpu, cores, node } = describeMachine();
  const alone = all[0]!.backup.seconds;
  return `${[
    '# A backup beside collections',
    '',
    `${cpu}, ${cores} cores, Node ${node}, ${new Date().toISOString().slice(0, 10)}, one run.`,
    '',
    '| a backup of new files | s | CPU s | times alone | collections |',
    '|---|--:|--:|--:|--:|',
    ...all.map(({ title, backup, collections }) => {
      const { seconds, cpuSeconds } = backup;
      const cells = [seconds.toFixed(2), cpuSeconds?.toFixed(2), (seconds / alone).toFixed(2), collections];
      return `| ${[title, ...cells].join(' | ')} |`;
    }),
  ].join('\n')}\n`;
}
