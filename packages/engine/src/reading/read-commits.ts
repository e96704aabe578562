/**
 * Fetches the commits that a log does not have yet and believes each only after the chain verifier did: hash chain,
 * strict signature, device authorised (security.md §8, 2). The keeper's head must not be behind the log, and must be
 * reached.
 */
import { equalBytes, toHex } from '@keephold/bytes';
import {
  ChainError,
  ForkError,
  type Head,
  type KeychainState,
  type ReadingCustody,
  type RecordVerifier,
  requireHeadFromPin,
  type VerifiedCommit,
  verifyNextCommit,
} from '@keephold/protocol';
import type { CommitLog } from './commit-log.ts';

/** What decides whether a commit is to be believed. */
export interface ChainVerifier {
  /** Walked to its end and checked against its pin. */
  readonly keychain: KeychainState;
  readonly verifier: RecordVerifier;
}

export interface ReadCommitsOptions extends ChainVerifier {
  readonly custody: Pick<ReadingCustody, 'head' | 'commits'>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes all new commits into the log and yields each after that.
 * @throws RollbackError, ForkError, ChainError (`keychain-behind`: fetch the keychain again), MalformedRecordError
 */
export async function* readCommits(log: CommitLog, options: ReadCommitsOptions): AsyncGenerator<VerifiedCommit> {
  const { custody, keychain, verifier, signal } = options;
  const head = await custody.head(log.vaultId);
  requireHeadFromPin(head, log.head);
  if (head.seq === log.head.seq) return;
  const context = { keychain, verifier, authorOf: (seq: number) => log.authorOf(seq) };
  let chain = log.chain;
  for await (const { bytes } of custody.commits(log.vaultId, chain.seq)) {
    signal?.throwIfAborted();
    const verified = verifyNextCommit(chain, bytes, context);
    chain = verified.state;
    requireOnWay(chain, head);
    log.apply(verified);
    yield verified;
  }
  if (chain.seq < head.seq) {
    throw new ChainError('gap', `read commits: the keeper's head is ${head.seq}, its commits end at ${chain.seq}`);
  }
}

/** Brings the log up to the keeper's head; answers how many commits were new. */
export async function syncCommitLog(log: CommitLog, options: ReadCommitsOptions): Promise<number> {
  const before = log.head.seq;
  const commits = readCommits(log, options);
  while (!(await commits.next()).done);
  return log.head.seq - before;
}

function requireOnWay(chain: Head, head: Head): void {
  if (chain.seq !== head.seq || equalBytes(chain.hash, head.hash)) return;
  throw new ForkError(`read commits: commit ${head.seq} is not the keeper's head ${toHex(head.hash)}`);
}
