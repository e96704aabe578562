/** Commits of the keeper itself (format.md §7, type 4): signed by the acting device, appended like any other. */
import {
  CustodyError,
  commitSigningInput,
  encodeCommit,
  joinSigned,
  type KeeperEvent,
  type KeeperEventCommit,
  type PackIdList,
  verifyNextCommit,
} from '@keephold/protocol';
import { verifier } from '../account/verifier.ts';
import { hashOfCommit } from '../chain/chain-store.ts';
import type { Keeper } from '../commit/commit-vault.ts';
import { refusingMalformed } from '../custody-failure.ts';
import type { KeeperSigner } from '../keeper-signer.ts';
import { applyCommit, NO_PACKS } from '../ledger/apply-commit.ts';
import { type VaultTransaction, vaultRow } from '../ledger/vault-transaction.ts';

export interface SigningKeeper extends Keeper {
  readonly signer: KeeperSigner | undefined;
}

export interface EventContent {
  readonly event: KeeperEvent;
  /** Ascending. */
  readonly snapshots: readonly number[];
  readonly packs: PackIdList;
  /** Ledger time, unix milliseconds. */
  readonly at: number;
}

/**
 * Appends the event and applies it; the caller holds the write lock.
 * @throws CustodyError 'refused' when no device that may sign is acting.
 */
export async function appendEvent(
  keeper: SigningKeeper,
  transaction: VaultTransaction,
  content: EventContent,
): Promise<void> {
  const { signer } = keeper;
  if (signer === undefined) {
    throw new CustodyError(
      'refused',
      `record that snapshots were ${content.event}: no device key is at hand to sign it`,
    );
  }
  const keychain = await keeper.account.keychainState();
  const { headSeq, headHash, keychainSeq } = await vaultRow(transaction);
  const commit: KeeperEventCommit = {
    kind: 'keeper-event',
    vaultId: transaction.vault,
    seq: headSeq + 1,
    prevHash: headHash,
    keychainSeq: keychain.seq,
    keychainHash: keychain.hash,
    clientTime: BigInt(content.at) * 1_000_000n,
    deviceId: signer.deviceId,
    event: content.event,
    snapshots: content.snapshots,
    packs: content.packs,
  };
  const body = encodeCommit(commit);
  const bytes = joinSigned(body, await signer.sign(commitSigningInput(body)));
  const before = { vaultId: transaction.vault, seq: headSeq, hash: headHash, keychainSeq };
  // A wrong key must not put a commit into the chain that every reader refuses.
  refusingMalformed(() => verifyNextCommit(before, bytes, { keychain, verifier, authorOf: () => undefined }));
  if ((await transaction.chain.append(commit.seq, bytes)) === 'exists') {
    throw new CustodyError(
      'unavailable',
      `record event ${content.event}: another writer did not take the lock; try again`,
    );
  }
  await applyCommit(transaction, {
    commit,
    hash: hashOfCommit(bytes),
    receivedAt: content.at,
    toLive: NO_PACKS,
    sizeOf: async () => undefined,
  });
}
