/**
 * Collects vaults once a day (security.md §6.5): expires what is in the trash for long enough, purges what nothing needs
 * any more.
 */
import type { VaultQueue } from '@keephold/custody';
import type { PurgeReport } from '@keephold/protocol';
import { startVaultWorker, type VaultWorker, type WorkerParts } from './vault-worker.ts';

export interface CollectorOptions extends WorkerParts {
  /** Vaults that are collected are scrubbed as well; undefined: nothing is. */
  readonly scrub?: VaultQueue | undefined;
  /** Told of each collection; nothing in it says whose it was. */
  readonly onCollected?: (outcome: CollectionOutcome) => void;
}

export type CollectionOutcome =
  | { readonly kind: 'collected'; readonly report: PurgeReport }
  | { readonly kind: 'failed'; readonly code: string };

const DAY = 86_400_000;
/** No vault is in a hurry. */
const PAUSE = 60_000;

export function startCollector(options: CollectorOptions): VaultWorker {
  const { onCollected, now, scrub } = options;
  return startVaultWorker(options, {
    pause: PAUSE,
    failed: (code) => onCollected?.({ kind: 'failed', code }),
    work: async (custody, { accountId, vault }, signal) => {
      await scrub?.add(accountId, vault, now());
      const report = await custody.collect(vault, { signal });
      onCollected?.({ kind: 'collected', report });
      return { nextDueAt: now() + DAY };
    },
  });
}
