/**
 * Reads every pack and object of every vault again within a month, a share a day, at a bounded rate (security.md §6.7).
 * Its place in a vault is kept, so that it goes on where it stopped, in whatever process.
 */
import type { DamageList, ScrubOptions, ScrubReport } from '@keephold/custody';
import type { AccountId } from '@keephold/protocol';
import { startVaultWorker, type VaultWorker, type WorkerParts } from './vault-worker.ts';

export interface ScrubberOptions extends WorkerParts {
  readonly damage: DamageList;
  /** Of this process. */
  readonly bytesPerSecond: number;
  /** The place of an account at the second site; without it nothing is repaired here. */
  readonly placeOf?: ((accountId: AccountId) => Promise<ScrubOptions['repairFrom']>) | undefined;
  /** Told of what an account's turn found, when it found something. */
  readonly onDamage?: (accountId: AccountId, found: DamageCount) => Promise<void>;
  /** Told of each turn; nothing in it says whose it was. */
  readonly onScrubbed?: (outcome: ScrubOutcome) => void;
}

export interface DamageCount {
  /** That was not known, and is not repaired. */
  readonly damaged: number;
  readonly repaired: number;
}

export type ScrubOutcome =
  | { readonly kind: 'scrubbed'; readonly report: ScrubReport; readonly newlyDamaged: number }
  | { readonly kind: 'failed'; readonly code: string };

const DAY = 86_400_000;
/** No vault is in a hurry. */
const PAUSE = 60_000;

export function startScrubber(options: ScrubberOptions): VaultWorker {
  const { onScrubbed, onDamage, now, damage, placeOf } = options;
  return startVaultWorker(options, {
    pause: PAUSE,
    failed: (code) => onScrubbed?.({ kind: 'failed', code }),
    work: async (custody, { accountId, vault, position }, signal) => {
      const again = await damage.of(accountId, vault);
      const repairFrom = await placeOf?.(accountId);
      const pace = async (bytes: number): Promise<void> => await payFor(options, bytes, signal);
      const report = await custody.scrub(vault, { position, again, repairFrom, pace, signal });
      const newlyDamaged = await damage.replace(accountId, vault, { items: report.damaged, now: now() });
      onScrubbed?.({ kind: 'scrubbed', report, newlyDamaged });
      const { position: next, repaired } = report;
      if (newlyDamaged + repaired > 0) await onDamage?.(accountId, { damaged: newlyDamaged, repaired });
      if (report.outcome === 'done') return { nextDueAt: now() + DAY, position: next };
      return { nextDueAt: now(), position: next, outcome: 'to-be-tried-again' };
    },
  });
}

/** One item at a time: waiting after each for as long as it may take keeps the rate, whatever reading it took. */
async function payFor({ bytesPerSecond, wait }: ScrubberOptions, bytes: number, signal: AbortSignal): Promise<void> {
  if (bytes > 0) await wait((bytes * 1000) / bytesPerSecond, signal).catch(() => {});
}
