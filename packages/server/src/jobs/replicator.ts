/**
 * Keeps a second copy of every vault: soon after each change, and once a day whatever happened. What was purged is deleted
 * there a month later, which is looked after once a week.
 */
import type { ReplicateOptions, ReplicationReport } from '@keephold/custody';
import type { AccountId } from '@keephold/protocol';
import { startVaultWorker, type VaultWorker, type WorkerParts } from './vault-worker.ts';

export interface ReplicatorOptions extends WorkerParts {
  /** The place of an account at the second site. */
  readonly placeOf: (accountId: AccountId) => Promise<ReplicateOptions['to']>;
  /** Told of each; nothing in it says whose it was. */
  readonly onReplicated?: (outcome: ReplicationOutcome) => void;
}

export type ReplicationOutcome = ReplicationReport | { readonly kind: 'failed'; readonly code: string };

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** How long a commit waits at most before somebody copies it, when nothing else is to be copied. */
const PAUSE = 5000;

export function startReplicator(options: ReplicatorOptions): VaultWorker {
  const { onReplicated, now, placeOf } = options;
  return startVaultWorker(options, {
    pause: PAUSE,
    failed: (code) => onReplicated?.({ kind: 'failed', code }),
    work: async (custody, { accountId, vault, sweptAt }, signal) => {
      const time = now();
      const sweep = sweptAt + 7 * DAY <= time ? 'sweep' : 'leave';
      const report = await custody.replicate(vault, { to: await placeOf(accountId), sweep, signal });
      onReplicated?.(report);
      if (!isWhole(report)) return { nextDueAt: now() + HOUR, outcome: 'to-be-tried-again' };
      return { nextDueAt: now() + DAY, ...(sweep === 'sweep' && { sweptAt: time }) };
    },
  });
}

function isWhole(report: ReplicationReport): boolean {
  return report.kind === 'copied' && report.unreadCommits === 0 && report.lackingPacks === 0;
}
