/** Signs a commit on top of the newest one and sends it, again after every writer that was first (format.md §7). */
import {
  type ChainPin,
  type Commit,
  type CommitBase,
  type CommitRequest,
  type Custody,
  commitSigningInput,
  encodeCommit,
  type Head,
  joinSigned,
  type PackIdList,
  type VaultId,
} from '@keephold/protocol';
import { EngineError } from '../errors.ts';

const MAX_ATTEMPTS = 100;

export interface CommitSigner {
  readonly custody: Pick<Custody, 'head' | 'commit'>;
  /** As of now: never behind what the head of the vault stands on. Asked after each look at the head. */
  readonly keychain: () => ChainPin;
  /** Ed25519 by the device key. */
  readonly sign: (message: Uint8Array) => Uint8Array;
  /** Unix nanoseconds. */
  readonly now: () => bigint;
}

export interface CommitDraft {
  readonly commit: Commit;
  readonly packsAdded: PackIdList;
  readonly refset: CommitRequest['refset'];
}

export type CommitResult =
  | { readonly kind: 'accepted'; readonly head: Head }
  | { readonly kind: 'missing-packs'; readonly packs: PackIdList };

/**
 * `draft` is asked for each attempt anew, with what every commit says.
 * @throws EngineError 'no-progress' naming `action` when others are always first
 */
export async function commitOnHead(
  { custody, keychain, sign, now }: CommitSigner,
  { vaultId, action }: { readonly vaultId: VaultId; readonly action: string },
  draft: (base: CommitBase) => CommitDraft | Promise<CommitDraft>,
): Promise<CommitResult> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const head = await custody.head(vaultId);
    const { seq: keychainSeq, hash: keychainHash } = keychain();
    const place = { vaultId, seq: head.seq + 1, prevHash: head.hash };
    const { commit, packsAdded, refset } = await draft({ ...place, keychainSeq, keychainHash, clientTime: now() });
    const body = encodeCommit(commit);
    const bytes = joinSigned(body, sign(commitSigningInput(body)));
    const outcome = await custody.commit(vaultId, { bytes, packsAdded, refset });
    if (outcome.kind !== 'head-moved') return outcome;
  }
  throw new EngineError('no-progress', `${action}: other writers were first ${MAX_ATTEMPTS} times`);
}
