/** What a drill found about one file, and what that means. */
import type { Opening } from '@keephold/drill';
import type { Snapshot } from '@keephold/engine';
import type { RestoredItem } from '@keephold/engine/node';
import type { FileComparison } from './compare-file.ts';

/**
 * good: it came back as it was stored, and opens as far as it can be opened.
 * already-broken: it does not open, and neither does the file here, which is the same.
 * unopenable: it came back as it was stored and does not open; what it was like in the source is not known.
 * differs: the file here is another one, though its size and times say that nobody changed it.
 * damaged: it is not what the index says, or cannot be had.
 * not-restored: this computer could not take it.
 */
export type DrillOutcome = 'good' | 'already-broken' | 'unopenable' | 'differs' | 'damaged' | 'not-restored';

export interface DrilledFile {
  readonly snapshot: Snapshot;
  /** In the snapshot. */
  readonly path: Uint8Array;
  readonly size: number;
  readonly outcome: DrillOutcome;
  readonly reason: string | undefined;
  readonly compared: FileComparison | undefined;
  readonly opening: Opening | undefined;
}

type Verdict = Pick<DrilledFile, 'outcome' | 'reason'>;

/** Of an item that did not come back. */
export function judgeFailure({
  reason = 'no reason given',
  code = '',
}: Pick<RestoredItem, 'reason' | 'code'>): Verdict {
  // Codes of the system are in capitals: a full disk or a name it cannot hold says nothing about the backup.
  return { outcome: /^E[A-Z0-9]+$/.test(code) ? 'not-restored' : 'damaged', reason };
}

/** `companions`: what was restored beside it to open it. */
export function judgeFile(
  compared: FileComparison,
  opening: Opening | undefined,
  companions: readonly FileComparison[],
): Verdict {
  const { indexDiffersAt, live, liveDiffersAt } = compared;
  if (indexDiffersAt !== undefined)
    return { outcome: 'damaged', reason: `what came back is not what the index says, from byte ${indexDiffersAt}` };
  if (live === 'differs')
    return {
      outcome: 'differs',
      reason: `the file here is another one from byte ${liveDiffersAt}, though its size and times are those that were backed up: one of the two is damaged`,
    };
  if (opening?.kind !== 'broken') return { outcome: 'good', reason: undefined };
  const isSame = [compared, ...companions].every((one) => one.live === 'same');
  if (isSame) return { outcome: 'already-broken', reason: `${opening.reason}; it was already so when backed up` };
  return { outcome: 'unopenable', reason: `${opening.reason}; it is as it was stored, and ${sourceText(live)}` };
}

function sourceText(live: FileComparison['live']): string {
  if (live === 'copied') return 'a copy that SQLite made while the one here was in use: keephold backup makes another';
  const now = live === 'gone' ? 'is gone' : live === 'unreadable' ? 'cannot be read' : 'has changed since';
  return `the file here ${now}, so that it cannot be told whether it was so when backed up`;
}
