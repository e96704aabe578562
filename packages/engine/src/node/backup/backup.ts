/** A backup: walk, store, commit; again from the start when the keeper misses packs that were relied on. */
import { type PackIdList, unionPackIds } from '@keephold/protocol';
import { EngineError } from '../../errors.ts';
import type { FullWalkReason } from '../journal/full-walk.ts';
import { BackupRun } from './backup-run.ts';
import { lendCache } from './cache-lock.ts';
import type { BackupOptions, BackupReport } from './options.ts';

const MAX_ROUNDS = 4;

/**
 * Backs up `options.source` as one snapshot. Entries that cannot be read are named in the report and the rest goes on.
 * When `signal` is aborted, ends with a checkpoint of what is stored.
 *
 * @throws EngineError, CustodyError (for example `no-room`): what was committed before stays as it was.
 */
export async function backup(options: BackupOptions): Promise<BackupReport> {
  using cache = lendCache(options.cacheFolder);
  let missing: PackIdList = new Uint8Array(0);
  let fullWalk: FullWalkReason | undefined;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const run = new BackupRun({ ...options, cacheFolder: cache.folder }, { missing, isFirst: round === 1, fullWalk });
    const result = await run.run();
    if (result.kind === 'done') return result.report;
    missing = unionPackIds(missing, result.missing);
    fullWalk = result.fullWalk;
  }
  throw new EngineError(
    'no-progress',
    'commit snapshot: the repository keeps missing packs that were stored; run check',
  );
}
