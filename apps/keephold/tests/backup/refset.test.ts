/**
 * The refset is complete (security.md §6.5, §11): whatever happened between backups and to the cache, every blob that a
 * snapshot reaches stands in a pack that its commit named, and the snapshot is what was on the disk.
 */
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JournalOptions } from '@keephold/engine/node';
import type { ObjectName } from '@keephold/protocol';
import { ChangeJournal } from '@keephold/source-files';
import { describe, expect, it } from 'vitest';
import { BackupRepository, type BackupRequest } from './_backup-repository.ts';
import { RandomTree } from './_random-tree.ts';
import { truthOf } from './_snapshot-truth.ts';

// More of them, by hand: KEEPHOLD_SEEDS=1,2,3.
const seeds = (process.env['KEEPHOLD_SEEDS'] ?? '2').split(',').map(Number);

describe('refset', () => {
  it.each(seeds)('is complete over random edits, interruptions and lost caches (seed %i)', async (seed) => {
    using backups = await BackupRepository.create();
    const tree = new RandomTree(join(backups.folder, 'data'), seed * 2_654_435_761);
    tree.grow(150);
    const roots = [tree.root];
    await using watching = new ChangeJournal({ roots, skips: () => false });
    for (let round = 0; round < 8; round++) {
      const what = tree.below(8);
      if (what === 0) loseCache(backups, tree);
      const checkpointEvery = what < 4 ? 0 : 300_000;
      // Some look at everything, whatever the watcher tells.
      const journal = await told(watching, tree.below(3) === 0 ? 'nothing' : 'all');
      const report =
        what === 1 || what === 2
          ? await interrupted(backups, tree, { checkpointEvery, journal })
          : await backups.backup({ roots, workers: 1 + tree.below(2), checkpointEvery, journal });
      watching.after(report.kind === 'complete' ? report.snapshot?.id : undefined);
      if (report.snapshot !== undefined) {
        const isComplete = report.kind === 'complete';
        const truth = await truthOf(backups, isComplete ? { root: tree.root } : {});
        expect(truth.problems, `seed ${seed}, round ${round}, ${report.kind}`).toEqual([]);
      }
      tree.edit(tree.below(3) === 0 ? 0 : tree.below(25));
    }
  });
});

/** Stops after some turns of the walk. */
async function interrupted(
  backups: BackupRepository,
  tree: RandomTree,
  options: Pick<BackupRequest, 'checkpointEvery' | 'journal'>,
): ReturnType<BackupRepository['backup']> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), tree.below(2500));
  try {
    return await backups.backup({ roots: [tree.root], signal: abort.signal, ...options });
  } finally {
    clearTimeout(timer);
  }
}

async function told(watching: ChangeJournal, what: 'all' | 'nothing'): Promise<JournalOptions> {
  const changes = await watching.before();
  const isTold = what === 'all' && changes !== undefined;
  return { view: new Uint8Array(32), changes: isTold ? { ...changes, since: changes.since as ObjectName } : undefined };
}

/** Removes, cuts or falsifies a file of the cache. */
function loseCache(backups: BackupRepository, tree: RandomTree): void {
  const files = readdirSync(backups.cacheFolder, { withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name !== 'lock',
  );
  const file = files[tree.below(files.length)];
  if (file === undefined) return;
  const path = join(backups.cacheFolder, file.name);
  const bytes = readFileSync(path);
  if (tree.below(3) === 0) rmSync(path);
  else if (tree.below(2) === 0) truncateSync(path, tree.below(bytes.length + 1));
  else {
    bytes[tree.below(bytes.length)]! ^= 1 << tree.below(8);
    writeFileSync(path, bytes);
  }
}
