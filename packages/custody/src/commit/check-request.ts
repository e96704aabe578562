/** What is wrong with a commit request by itself, before the ledger is asked (format.md §7). */
import { equalBytes, toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import {
  applyRefsetDelta,
  type Commit,
  type CommitRequest,
  CustodyError,
  checkPackIdList,
  type PackIdList,
  packsDigestInput,
  parseCommit,
  type RefsetDelta,
  refsetDigestInput,
  type VaultId,
} from '@keephold/protocol';
import { refusingMalformed } from '../custody-failure.ts';

export type CommitWithPacks = Exclude<Commit, { readonly kind: 'keeper-event' }>;
export type CommitWithRefset = Exclude<CommitWithPacks, { readonly kind: 'index-maintenance' }>;

export function hasRefset(commit: CommitWithPacks): commit is CommitWithRefset {
  return commit.kind !== 'index-maintenance';
}

/** @throws CustodyError 'refused' */
export function checkRequest(vault: VaultId, request: CommitRequest): CommitWithPacks {
  const { commit } = refusingMalformed(() => parseCommit(request.bytes));
  if (!equalBytes(commit.vaultId, vault)) throw refused(commit, `it is for vault ${toHex(commit.vaultId)}`);
  if (commit.kind === 'keeper-event') throw refused(commit, 'events of the keeper are made by the keeper');
  refusingMalformed(() => checkPackIdList(request.packsAdded));
  if (!equalBytes(sha256(...packsDigestInput(request.packsAdded)), commit.packsDigest)) {
    throw refused(commit, 'the list of packs does not match its digest');
  }
  if (hasRefset(commit) !== (request.refset !== undefined)) throw refused(commit, 'a refset is missing or in excess');
  const isSnapshot = commit.kind === 'snapshot' || commit.kind === 'checkpoint';
  if (isSnapshot && request.refset?.parentSeq !== commit.parentSeq) {
    throw refused(commit, 'the delta is against another snapshot than the commit says');
  }
  return commit;
}

/** @throws CustodyError 'refused' unless the delta gives the set behind refsetDigest. */
export function refsetOf(commit: CommitWithRefset, base: PackIdList, delta: RefsetDelta): PackIdList {
  // Nothing changed: the usual nightly run must not merge lists of a hundred thousand ids.
  const same = delta.added.length === 0 && delta.removed.length === 0;
  const packs = same ? base : refusingMalformed(() => applyRefsetDelta(base, delta));
  if (!equalBytes(sha256(...refsetDigestInput(packs)), commit.refsetDigest)) {
    throw refused(commit, 'the refset does not match its digest');
  }
  return packs;
}

export function refused(commit: Commit, cause: string): CustodyError {
  return new CustodyError('refused', `commit ${commit.seq} (${commit.kind}): ${cause}`);
}
