/** Tells of uploads that are in no snapshot: without it a repository would hold more than its snapshots explain. */
import type { Usage } from '@keephold/protocol';
import { formatBytes, formatClock } from '../terminal/units.ts';

/** Undefined when there are none. */
export function pendingText({ pendingBytes, pendingUntil }: Usage): string | undefined {
  if (!pendingBytes) return undefined;
  const until =
    pendingUntil === undefined ? '' : `, kept until ${formatClock(pendingUntil)} for the next to go on with`;
  return `uploaded by backups that have not finished: ${formatBytes(pendingBytes)}${until}`;
}
