/**
 * Whether snapshots were taken away before their time (security.md §7): not out of the trash, or sooner after they came
 * there than the vault's policy says, by the keeper's dates or by the reader's own clock. What the owner asked to be
 * deleted, signed in the keychain, may go at once.
 */
import { toHex } from '@keephold/bytes';
import { type KeychainState, type VaultId, vaultRecord } from '@keephold/protocol';
import { EngineError } from '../errors.ts';
import type { Removal } from './commit-log.ts';

const DAY = 86_400_000;
/** Clocks of honest machines differ. */
const CLOCK_TOLERANCE = DAY;

export interface RemovalJudgement {
  readonly keychain: KeychainState;
  readonly vaultId: VaultId;
  /** The reader's clock, unix milliseconds. */
  readonly now: number;
}

/** One error a snapshot, in the order of the events. */
export function earlyRemovals(removals: readonly Removal[], judgement: RemovalJudgement): readonly EngineError[] {
  return removals.flatMap((removal) => {
    const why = isRequested(removal, judgement) ? undefined : whyEarly(removal, judgement);
    if (why === undefined) return [];
    return [
      new EngineError(
        'purged-early',
        `read commit ${removal.seq}: snapshot #${removal.snapshot.seq} was purged early: ${why}`,
      ),
    ];
  });
}

function whyEarly({ snapshot, at }: Removal, { keychain, vaultId, now }: RemovalJudgement): string | undefined {
  if (snapshot.state === 'active') return 'nobody had forgotten it';
  const due = snapshot.trashedAt + vaultRecord(keychain, vaultId).policy.trashDays * DAY;
  if (at >= due && now + CLOCK_TOLERANCE >= due) return undefined;
  return `it was to stay restorable until ${new Date(due).toISOString()}`;
}

/** The request stood in the keychain when the event was signed. */
function isRequested({ snapshot, keychainSeq }: Removal, { keychain, vaultId }: RemovalJudgement): boolean {
  return keychain.deleteRequests.some(
    (request) =>
      !request.cancelled &&
      request.seq <= keychainSeq &&
      toHex(request.vaultId) === toHex(vaultId) &&
      request.snapshots.includes(snapshot.seq),
  );
}
