/**
 * A copy of a repository that is older than what this machine has seen, read because the user says so (--older-copy): a
 * second disk that is brought up to date now and then is no attack, and may be all that is left. Nothing that was seen
 * is forgotten by it, so the same copy in the place of the newest one is still a rollback. Where it has another history
 * than this machine has seen it is refused all the same.
 */
import { equalBytes } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import type { CommitLogState } from '@keephold/engine';
import {
  type ChainPin,
  type Custody,
  ForkError,
  HASH_LENGTH,
  type Head,
  type KeychainState,
  keychainHashInput,
  overrideCustody,
} from '@keephold/protocol';
import type { Context } from '../context.ts';
import { counted } from '../terminal/units.ts';

type Entries = readonly Uint8Array[];

/** The keychain goes on with what this machine has seen of it: a device that was revoked since then stays so. */
export function withSeenKeychain(custody: Custody, seen: Entries): Custody {
  return overrideCustody(custody, {
    keychain: async (from) => {
      const kept = await custody.keychain(0);
      const isSame = kept.every((entry, seq) => seen[seq] === undefined || equalBytes(entry, seen[seq]));
      return (isSame && kept.length < seen.length ? seen : kept).slice(from);
    },
  });
}

/** @throws ForkError when an entry is not the one this machine has seen */
export function requireSeenEntries({ entryHashes }: KeychainState, seen: Entries): void {
  for (const [seq, entry] of seen.slice(0, entryHashes.length).entries()) {
    if (equalBytes(sha256(...keychainHashInput(entry)), entryHashes[seq] as Uint8Array)) continue;
    throw new ForkError(`read keychain: entry ${seq} is not the one this device has seen`);
  }
}

export interface OlderCopy {
  readonly head: Head;
  /** The newest commit that this machine has seen. */
  readonly pin: ChainPin;
  /** What it has read of the history, if it ever did. */
  readonly seen: CommitLogState | undefined;
}

/**
 * Says what is missing in a copy that ends before the pin.
 * @throws ForkError when its end is not the commit that this machine has seen there
 */
export function tellOlderCopy({ out }: Pick<Context, 'out'>, { head, pin, seen }: OlderCopy): void {
  const known = seen === undefined || seen.seq < head.seq ? undefined : hashOfCommit(seen, head.seq);
  if (known !== undefined && !equalBytes(known, head.hash)) {
    throw new ForkError(`read head: commit ${head.seq} is not the one this device has seen`);
  }
  const newer = seen?.snapshots.filter(({ seq }) => seq > head.seq).length ?? 0;
  const what = newer > 0 ? counted(newer, 'newer snapshot') : counted(pin.seq - head.seq, 'later change');
  out.warn(`this copy ends at commit ${head.seq}, and this device has seen ${pin.seq}: ${what} missing in it`);
  if (known === undefined) out.warn('whether it is the beginning of the same history cannot be told on this machine');
}

/** Of a commit that the log has. */
export function hashOfCommit({ hashes }: CommitLogState, seq: number): Uint8Array {
  return hashes.slice(seq * HASH_LENGTH, (seq + 1) * HASH_LENGTH);
}
