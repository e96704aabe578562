/**
 * Reads a chain for replaying and tells sound commits from those whose files are damaged or gone. A commit is sound when
 * the next one names its hash; the last one, and one that the next contradicts, when its signature is right. What
 * follows a damaged commit still counts: it is signed, and it tells the hash of what is missing.
 */
import { equalBytes } from '@keephold/bytes';
import {
  ChainError,
  type Commit,
  HASH_NOT_KNOWN,
  type KeychainState,
  MalformedRecordError,
  parseCommit,
  type StoredCommit,
  type VaultId,
  verifyNextCommit,
} from '@keephold/protocol';
import { verifier } from '../account/verifier.ts';
import { hashOfCommit } from '../chain/chain-store.ts';

export type ReplayedCommit =
  | {
      readonly kind: 'sound';
      readonly seq: number;
      readonly commit: Commit;
      readonly hash: Uint8Array;
      readonly bytes: Uint8Array;
    }
  /** `hash` as a later commit tells it; HASH_NOT_KNOWN where none does. */
  | { readonly kind: 'lost'; readonly seq: number; readonly hash: Uint8Array };

export interface SoundCommitsOptions {
  readonly vault: VaultId;
  readonly keychain: KeychainState;
  /** Head of the ledger: what the first commit must follow. */
  readonly seq: number;
  readonly hash: Uint8Array;
}

interface Candidate {
  readonly seq: number;
  readonly bytes: Uint8Array;
  /** Undefined: not even a commit of this vault with this seq. */
  readonly commit: Commit | undefined;
}

/** Those at the very end are lost too: nothing says what follows them, until they are mended or given up. */
export async function* soundCommits(
  stored: AsyncIterable<StoredCommit>,
  options: SoundCommitsOptions,
): AsyncGenerator<ReplayedCommit> {
  let before: Uint8Array | undefined = options.hash;
  let lost: number[] = [];
  for await (const [candidate, next] of withNext(stored, options.vault)) {
    const { commit, bytes, seq } = candidate;
    const follows = commit !== undefined && (before === undefined || equalBytes(commit.prevHash, before));
    if (!follows || !isSound(candidate, next, options)) {
      before = undefined;
      lost.push(seq);
      continue;
    }
    for (const at of lost) yield { kind: 'lost', seq: at, hash: at === seq - 1 ? commit.prevHash : HASH_NOT_KNOWN };
    lost = [];
    before = hashOfCommit(bytes);
    yield { kind: 'sound', seq, commit, hash: before, bytes };
  }
  for (const seq of lost) yield { kind: 'lost', seq, hash: HASH_NOT_KNOWN };
}

/** Whether the bytes are a commit of the vault with this seq and a right signature. */
export function isSignedCommit(
  { seq, bytes }: StoredCommit,
  { vault, keychain }: Pick<SoundCommitsOptions, 'vault' | 'keychain'>,
): boolean {
  const candidate = candidateOf({ seq, bytes }, vault);
  return candidate.commit !== undefined && isSigned(candidate, candidate.commit, { vault, keychain });
}

function isSound(candidate: Candidate, next: Candidate | undefined, options: SoundCommitsOptions): boolean {
  const { commit, bytes } = candidate;
  if (commit === undefined) return false;
  if (next?.commit !== undefined && equalBytes(next.commit.prevHash, hashOfCommit(bytes))) return true;
  return isSigned(candidate, commit, options);
}

function isSigned(
  { seq, bytes }: Candidate,
  commit: Commit,
  { vault, keychain }: Pick<SoundCommitsOptions, 'vault' | 'keychain'>,
): boolean {
  const state = { vaultId: vault, seq: seq - 1, hash: commit.prevHash, keychainSeq: 0 };
  try {
    verifyNextCommit(state, bytes, { keychain, verifier, authorOf: () => commit.deviceId });
    return true;
  } catch (error) {
    if (error instanceof ChainError || error instanceof MalformedRecordError) return false;
    throw error;
  }
}

function candidateOf({ seq, bytes }: StoredCommit, vault: VaultId): Candidate {
  try {
    const { commit } = parseCommit(bytes);
    return { seq, bytes, commit: commit.seq === seq && equalBytes(commit.vaultId, vault) ? commit : undefined };
  } catch (error) {
    if (error instanceof MalformedRecordError) return { seq, bytes, commit: undefined };
    throw error;
  }
}

/** Each commit with the one after it. */
async function* withNext(
  stored: AsyncIterable<StoredCommit>,
  vault: VaultId,
): AsyncGenerator<readonly [Candidate, Candidate | undefined]> {
  let current: Candidate | undefined;
  for await (const one of stored) {
    const next = candidateOf(one, vault);
    if (current !== undefined) yield [current, next];
    current = next;
  }
  if (current !== undefined) yield [current, undefined];
}
