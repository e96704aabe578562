/**
 * A keeper whose word on the history is not taken: its head is believed when every commit up to it follows what this
 * device has seen, a commit as accepted when it is the one that was sent. All else passes through.
 */
import { equalBytes } from '@keephold/bytes';
import {
  type ChainPin,
  type CommitOutcome,
  type CommitRequest,
  type Custody,
  commitHashInput,
  ForkError,
  overrideCustody,
  parseCommit,
  type RecordVerifier,
  type VaultId,
} from '@keephold/protocol';
import type { FollowedChain } from './followed-chain.ts';

export interface PinnedCustodyOptions {
  readonly custody: Custody;
  readonly chain: FollowedChain;
  readonly vaultId: VaultId;
  readonly verifier: RecordVerifier;
  /** Told of each newer pin, once what it names is verified or stored: to be made durable. */
  readonly onMove: (pin: ChainPin) => void;
}

/** Calls for other vaults pass through. */
export function pinCustody(options: PinnedCustodyOptions): Custody {
  const { custody, chain, vaultId } = options;
  return overrideCustody(custody, {
    head: async (vault) => {
      if (!equalBytes(vault, vaultId)) return await custody.head(vault);
      const before = chain.pin.seq;
      const head = await chain.head();
      if (chain.pin.seq > before) options.onMove(chain.pin);
      return head;
    },
    commit: async (vault, request) => {
      const outcome = await custody.commit(vault, request);
      if (!equalBytes(vault, vaultId) || outcome.kind !== 'accepted') return outcome;
      requireOwn(request, outcome, options.verifier);
      chain.accepted(request.bytes, outcome.head);
      options.onMove(chain.pin);
      return outcome;
    },
  });
}

/** @throws ForkError when the keeper says that it has accepted another commit than the one it was sent. */
function requireOwn(
  { bytes }: CommitRequest,
  { head }: Extract<CommitOutcome, { kind: 'accepted' }>,
  { sha256 }: RecordVerifier,
): void {
  const { seq } = parseCommit(bytes).commit;
  if (head.seq === seq && equalBytes(head.hash, sha256(...commitHashInput(bytes)))) return;
  throw new ForkError(`commit ${seq}: the keeper says it has accepted it and names another commit`, bytes);
}
