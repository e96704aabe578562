/** Said where the newest snapshot was asked for and commits after it cannot be read (CommitLog.isEndUnread). */
import type { Repository, Snapshot } from '@keephold/engine';
import type { Output } from '../terminal/output.ts';

/** One snapshot, as it was named. */
export interface NamedSnapshot {
  readonly name: string;
  readonly snapshot: Pick<Snapshot, 'seq'>;
}

/** Answers whether some 'latest' may not be the newest there is. */
export function warnOfNewer(
  { log }: Pick<Repository, 'log'>,
  out: Pick<Output, 'warn'>,
  chosen: readonly NamedSnapshot[],
): boolean {
  const latest = chosen.find(({ name }) => name === 'latest');
  if (latest === undefined || !log.isEndUnread) return false;
  out.warn(`newer snapshots than #${latest.snapshot.seq} may be there, and their commits are damaged`);
  return true;
}
