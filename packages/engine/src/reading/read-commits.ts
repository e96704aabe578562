/**
 * Fetches the commits that a log does not have yet and believes each only after the chain verifier did: hash chain,
 * strict signature, device authorised (security.md §8, 2). The keeper's head must not be behind the log, and must be
 * reached.
 *
 * A commit whose bytes are damaged or gone need not take the others with it: a later one that is signed tells the hash
 * of what it follows. It is passed over when somebody wants to be told of damage, and only if it is none of a history
 * that was signed: that is a fork, and stops everything.
 */
import { equalBytes, toHex } from '@keephold/bytes';
import {
  ChainError,
  type ChainPin,
  type CommitChainContext,
  type CommitChainState,
  ForkError,
  type Head,
  type KeychainState,
  MalformedRecordError,
  parseCommit,
  type ReadingCustody,
  type RecordVerifier,
  requireHeadFromPin,
  type StoredCommit,
  type VaultId,
  type VerifiedCommit,
  verifyNextCommit,
} from '@keephold/protocol';
import { DamagedError, type EngineError, MissingDataError } from '../errors.ts';
import type { UnreadCommits } from './unread-commits.ts';

/** What decides whether a commit is to be believed. */
export interface ChainVerifier {
  /** Walked to its end and checked against its pin. */
  readonly keychain: KeychainState;
  readonly verifier: RecordVerifier;
}

/** What takes in the commits of a vault, one after the other. */
export interface CommitSink {
  readonly vaultId: VaultId;
  readonly head: ChainPin;
  /** Where the next commit must continue. */
  readonly chain: CommitChainState;
  readonly authorOf: CommitChainContext['authorOf'];
  /** Takes in the commit that follows the head. */
  apply(verified: VerifiedCommit): void;
  /** Goes to where the next commit is known to continue, over commits that cannot be read. */
  passOver(state: Pick<CommitChainState, 'seq' | 'hash'>): void;
  /** Commits after the head are there and cannot be read. */
  endUnread(): void;
  /** Those that were passed over. */
  readonly unread: UnreadCommits;
}

export interface ReadCommitsOptions extends ChainVerifier {
  readonly custody: Pick<ReadingCustody, 'head' | 'commits'>;
  readonly signal?: AbortSignal | undefined;
  /** Told of a commit that cannot be read and is passed over; without it reading fails there. */
  readonly onDamage?: ((error: EngineError, seq: number) => void) | undefined;
}

/**
 * Takes all new commits into the log and yields each after that.
 * @throws RollbackError, ForkError, ChainError (`keychain-behind`: fetch the keychain again), MalformedRecordError
 */
async function* readCommits(log: CommitSink, options: ReadCommitsOptions): AsyncGenerator<VerifiedCommit> {
  const { custody, keychain, verifier, signal } = options;
  const head = await custody.head(log.vaultId);
  await requireHead(custody, log, head);
  if (head.seq === log.head.seq) return;
  const context = { keychain, verifier, authorOf: log.authorOf };
  const damaged = new DamagedCommits(options);
  let reached = log.chain.seq;
  for await (const { seq, bytes } of custody.commits(log.vaultId, log.chain.seq)) {
    signal?.throwIfAborted();
    reached = seq;
    const before = damaged.isEmpty ? log.chain : afterGap(log.chain, { seq, bytes });
    const verified = damaged.verify({ seq, bytes }, before, context);
    if (verified === undefined) continue;
    requireOnWay(verified.state, head);
    if (!damaged.isEmpty) log.passOver(before);
    damaged.report();
    log.apply(verified);
    yield verified;
  }
  if (!damaged.isEmpty) log.endUnread();
  damaged.report();
  if (reached < head.seq) {
    throw new ChainError('gap', `read commits: the keeper's head is ${head.seq}, its commits end at ${reached}`);
  }
}

/** The state that a commit after a gap claims to follow; its signature vouches for it. */
function afterGap(chain: CommitChainState, { seq, bytes }: StoredCommit): CommitChainState {
  try {
    return { ...chain, seq: seq - 1, hash: parseCommit(bytes).commit.prevHash };
  } catch (error) {
    if (error instanceof MalformedRecordError) return { ...chain, seq: seq - 1 };
    throw error;
  }
}

/** Commits passed over since the last one that was verified. */
class DamagedCommits {
  readonly #onDamage: ReadCommitsOptions['onDamage'];
  #pending: { readonly error: EngineError; readonly seq: number }[] = [];

  constructor({ onDamage }: ReadCommitsOptions) {
    this.#onDamage = onDamage;
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0;
  }

  /** Undefined when the commit is damaged and may be passed over. */
  verify(stored: StoredCommit, before: CommitChainState, context: CommitChainContext): VerifiedCommit | undefined {
    try {
      return verifyNextCommit(before, stored.bytes, context);
    } catch (cause) {
      if (this.#onDamage === undefined || !isDamage(cause, stored, { before, context })) throw cause;
      this.#pending.push({ error: damagedCommit(stored, cause), seq: stored.seq });
      return undefined;
    }
  }

  /** What follows was verified, or there is no more. */
  report(): void {
    for (const { error, seq } of this.#pending) this.#onDamage?.(error, seq);
    this.#pending = [];
  }
}

/** Whether this cannot be what a device signed: whatever is signed and does not fit is another history. */
function isDamage(
  cause: unknown,
  { seq, bytes }: StoredCommit,
  { before, context }: { readonly before: CommitChainState; readonly context: CommitChainContext },
): boolean {
  if (cause instanceof MalformedRecordError) return true;
  if (!(cause instanceof ChainError) || cause.code === 'keychain-behind' || cause.code === 'rollback') return false;
  try {
    const { commit } = parseCommit(bytes);
    const own = { ...before, vaultId: commit.vaultId, seq: commit.seq - 1, hash: commit.prevHash, keychainSeq: 0 };
    verifyNextCommit(own, bytes, context);
    // Signed: in the place of another commit it is a file that was swapped, in its own another history.
    return commit.seq !== seq;
  } catch (error) {
    // Not signed by a device that may: nobody's commit, and nothing to be believed.
    return error instanceof MalformedRecordError || (error instanceof ChainError && error.code !== 'keychain-behind');
  }
}

function damagedCommit({ seq, bytes }: StoredCommit, cause: unknown): EngineError {
  const what = `read commit ${seq}`;
  if (bytes.length === 0) return new MissingDataError(`${what}: it is not there`, { cause });
  const { message } = cause as Error;
  return new DamagedError(message.startsWith(what) ? message : `${what}: ${message}`, { cause });
}

/**
 * Brings the log up to the keeper's head; answers how many commits were new. Of commits that cannot be read and that the
 * owner has given up nobody is told.
 */
export async function syncCommitLog(log: CommitSink, options: ReadCommitsOptions): Promise<number> {
  const { onDamage } = options;
  const before = log.head.seq;
  const found: (readonly [error: EngineError, seq: number])[] = [];
  const commits = readCommits(log, { ...options, onDamage: onDamage && ((...damage) => found.push(damage)) });
  try {
    while (!(await commits.next()).done);
  } finally {
    log.unread.learn(options.keychain);
    for (const [error, seq] of found) if (!log.unread.isGivenUp(seq)) onDamage?.(error, seq);
  }
  return log.head.seq - before;
}

/** Of another commit in the place of the newest known one, its bytes are the evidence. */
async function requireHead(
  custody: ReadCommitsOptions['custody'],
  { vaultId, head: pin }: Pick<CommitSink, 'vaultId' | 'head'>,
  head: Head,
): Promise<void> {
  try {
    requireHeadFromPin(head, pin);
  } catch (error) {
    if (!(error instanceof ForkError)) throw error;
    for await (const { bytes } of custody.commits(vaultId, pin.seq - 1)) throw new ForkError(error.message, bytes);
    throw error;
  }
}

function requireOnWay(chain: Head, head: Head): void {
  if (chain.seq !== head.seq || equalBytes(chain.hash, head.hash)) return;
  throw new ForkError(`read commits: commit ${head.seq} is not the keeper's head ${toHex(head.hash)}`);
}
