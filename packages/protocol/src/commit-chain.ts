/**
 * Walks the commits of a vault (format.md §7, security.md §3.12 and §7): seq without gaps, hash chain, strict signature
 * by a device that was authorised at the keychain entry the commit stands on, and that entry never falling. It decides
 * whether to believe a commit; digests, objects and snapshots are checked by those who read them.
 */
import { equalBytes, toHex } from '@keephold/bytes';
import type { Commit, HealCommit, KeeperEventCommit } from './commit.ts';
import { type ParsedCommit, parseCommit } from './commit-codec.ts';
import type { Head } from './custody.ts';
import { ChainError, ForkError, RollbackError } from './errors.ts';
import { HASH_LENGTH } from './id-from-bytes.ts';
import type { DeviceId, VaultId } from './ids.ts';
import { deviceKeyAt, isHealApproved, type KeychainState, vaultRecord } from './keychain-state.ts';
import type { ChainPin } from './keychain-walk.ts';
import type { RecordVerifier } from './record-verifier.ts';
import { commitHashInput, commitSigningInput } from './signing-texts.ts';

export interface CommitChainState {
  readonly vaultId: VaultId;
  /** 0 before the first commit. */
  readonly seq: number;
  /** commitHash of seq; for 0 the hash of the entry that created the vault. */
  readonly hash: Uint8Array;
  /** The keychain entry the last commit stood on. */
  readonly keychainSeq: number;
}

export interface CommitChainContext {
  readonly keychain: KeychainState;
  readonly verifier: RecordVerifier;
  /**
   * Who signed the snapshot with this seq; undefined when unknown, then only an approval lets anyone heal it.
   * 'not judged': for who only follows the order of commits and reads no snapshot.
   */
  readonly authorOf: ((seq: number) => DeviceId | undefined) | 'not judged';
}

export interface VerifiedCommit extends ParsedCommit {
  readonly state: CommitChainState;
}

/** Where the chain of a vault begins. */
export function startCommitChain(keychain: KeychainState, vaultId: VaultId): CommitChainState {
  const vault = vaultRecord(keychain, vaultId);
  return { vaultId, seq: 0, hash: vault.createdHash, keychainSeq: vault.createdSeq };
}

/**
 * Checks the commit that follows `state`.
 * @throws MalformedRecordError on broken form; ForkError when it continues another history; ChainError otherwise.
 */
export function verifyNextCommit(
  state: CommitChainState,
  bytes: Uint8Array,
  context: CommitChainContext,
): VerifiedCommit {
  const parsed = parseCommit(bytes);
  const { commit } = parsed;
  if (!equalBytes(commit.vaultId, state.vaultId)) throw chainError('conflict', commit, 'it is of another vault');
  if (commit.seq !== state.seq + 1) throw chainError('gap', commit, `it follows commit ${state.seq}`);
  if (!equalBytes(commit.prevHash, state.hash)) {
    throw new ForkError(`read commit ${commit.seq}: it continues another history`, bytes);
  }
  requireKeychainEntry(state, commit, context.keychain);
  const publicKey = signingKey(commit, context.keychain);
  const message = commitSigningInput(parsed.body);
  if (!context.verifier.verify({ publicKey, message, signature: parsed.signature })) {
    throw chainError('bad-signature', commit, 'the signature is wrong');
  }
  if (commit.kind === 'heal') requireHealer(commit, context);
  const hash = context.verifier.sha256(...commitHashInput(bytes));
  return {
    ...parsed,
    state: { vaultId: state.vaultId, seq: commit.seq, hash, keychainSeq: commit.keychainSeq },
  };
}

/**
 * In the place of a commit's hash: its file is damaged, and no later commit tells the hash. A keeper whose chain ends so
 * shows it in its head. Nothing continues from it.
 */
export const HASH_NOT_KNOWN: Uint8Array = new Uint8Array(HASH_LENGTH);

export function isHashKnown(hash: Uint8Array): boolean {
  return !equalBytes(hash, HASH_NOT_KNOWN);
}

/**
 * Compares the head that a keeper shows with what this device saw before. A head that is further on is no proof of
 * anything: the commits since the pin must be walked. Neither is one whose hash the keeper does not know.
 * @throws RollbackError when the head is older, ForkError when it is another.
 */
export function requireHeadFromPin(head: Head, pin: ChainPin): void {
  if (head.seq < pin.seq) {
    throw new RollbackError(`read head: the keeper shows commit ${head.seq}, this device has seen ${pin.seq}`);
  }
  if (head.seq === pin.seq && isHashKnown(head.hash) && !equalBytes(head.hash, pin.hash)) {
    throw new ForkError(`read head: commit ${pin.seq} is not the one this device has seen, ${toHex(pin.hash)}`);
  }
}

function requireKeychainEntry(state: CommitChainState, commit: Commit, keychain: KeychainState): void {
  if (commit.keychainSeq < state.keychainSeq) {
    throw chainError(
      'keychain-mismatch',
      commit,
      `it stands on keychain entry ${commit.keychainSeq}, older than before`,
    );
  }
  const entryHash = keychain.entryHashes[commit.keychainSeq];
  if (entryHash === undefined) {
    throw chainError('keychain-behind', commit, `keychain entry ${commit.keychainSeq} is not known here`);
  }
  if (!equalBytes(entryHash, commit.keychainHash)) {
    throw chainError('keychain-mismatch', commit, `it stands on another keychain entry ${commit.keychainSeq}`);
  }
}

function signingKey(commit: Commit, keychain: KeychainState): Uint8Array {
  if (commit.kind === 'keeper-event') return keeperKey(commit, keychain);
  return requireDeviceKey(commit, commit.deviceId, keychain);
}

/** The event key of genesis where there is one; in a local repository the acting device (security.md §4). */
function keeperKey(commit: KeeperEventCommit, keychain: KeychainState): Uint8Array {
  if (commit.deviceId === undefined && keychain.eventKey !== undefined) return keychain.eventKey;
  if (commit.deviceId === undefined || keychain.eventKey !== undefined) {
    throw chainError('unauthorised', commit, 'a keeper event is not signed by the keeper of this account');
  }
  return requireDeviceKey(commit, commit.deviceId, keychain);
}

function requireDeviceKey(commit: Commit, deviceId: DeviceId, keychain: KeychainState): Uint8Array {
  const key = deviceKeyAt(keychain, { deviceId, vaultId: commit.vaultId, keychainSeq: commit.keychainSeq });
  if (key !== undefined) return key;
  throw chainError('unauthorised', commit, `device ${toHex(deviceId)} may not write this vault`);
}

function requireHealer(commit: HealCommit, context: CommitChainContext): void {
  if (context.authorOf === 'not judged') return;
  const author = context.authorOf(commit.parentSeq);
  if (author !== undefined && equalBytes(author, commit.deviceId)) return;
  const { vaultId, deviceId, keychainSeq, parentSeq: snapshot } = commit;
  if (isHealApproved(context.keychain, { vaultId, deviceId, keychainSeq, snapshot })) return;
  throw chainError('unauthorised', commit, `nobody approved that it heals snapshot ${commit.parentSeq}`);
}

function chainError(code: ChainError['code'], commit: Commit, cause: string): ChainError {
  return new ChainError(code, `read commit ${commit.seq} (${commit.kind}): ${cause}`);
}
