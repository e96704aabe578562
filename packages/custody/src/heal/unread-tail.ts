/**
 * Commits at the end of a chain whose files are damaged. Nothing tells their hashes, so nothing can be written after
 * them: either the very bytes come back from a machine that has seen them, or the owner gives them up.
 */
import { equalBytes } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { type Commit, isHashKnown, type KeychainState, parseCommit, type VaultId } from '@keephold/protocol';
import { ChainStore, hashOfCommit } from '../chain/chain-store.ts';
import { asCustodyError } from '../custody-failure.ts';
import { chainName, damagedCommitName, recordName } from '../layout.ts';
import { isSignedCommit } from '../ledger/sound-commits.ts';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';
import { type FolderSide, openSide, vaultsOf } from './folder-side.ts';

export interface SeenCommit {
  /** CBOR ‖ signature: the newest commit that this machine has seen and verified. */
  readonly bytes: Uint8Array;
  readonly keychain: KeychainState;
}

/**
 * Puts a commit back whose file is damaged, or gone while the keeper's record of it is there: a folder that has neither
 * may be an older copy, and stays one. Answers whether it was written.
 */
export async function putBackCommit(path: string, seen: SeenCommit): Promise<boolean> {
  try {
    const { backend } = await openSide(path);
    const { commit } = parseCommit(seen.bytes);
    const chain = new ChainStore(backend, commit.vaultId);
    const own = await chain.read(commit.seq);
    if (own !== undefined && equalBytes(own, seen.bytes)) return false;
    if (own === undefined && !(await hasRecord(backend, seen.bytes, commit))) return false;
    if (!(await fits(chain, commit, { own, ...seen }))) return false;
    await chain.replace(commit.seq, seen.bytes);
    return true;
  } catch (error) {
    throw asCustodyError(error);
  }
}

async function hasRecord(backend: FolderSide['backend'], bytes: Uint8Array, commit: Commit): Promise<boolean> {
  return (await backend.stat(recordName(commit.vaultId, commit.seq, hashOfCommit(bytes)))) !== undefined;
}

/** Whether it is signed, what is in its place is not, and the commit before it is not another one. */
async function fits(
  chain: ChainStore,
  { seq, vaultId: vault, prevHash }: Commit,
  { own, bytes, keychain }: SeenCommit & { readonly own: Uint8Array | undefined },
): Promise<boolean> {
  const isSigned = (at: number, file: Uint8Array | undefined): boolean =>
    file !== undefined && isSignedCommit({ seq: at, bytes: file }, { vault, keychain });
  if (!isSigned(seq, bytes) || isSigned(seq, own)) return false;
  const before = await chain.read(seq - 1);
  return before === undefined || equalBytes(hashOfCommit(before), prevHash) || !isSigned(seq - 1, before);
}

/** Sets them aside, so that the next commit takes their place. Answers their numbers, ascending. */
export async function setAsideUnreadTail(path: string): Promise<readonly number[]> {
  try {
    const side = await openSide(path);
    const seqs: number[] = [];
    try {
      for (const vault of await vaultsOf(side)) {
        await side.ledger.rebuild(vault);
        await side.ledger.rebuild(vault, async (transaction) => {
          seqs.push(...(await setAside(side, vault, transaction)));
        });
      }
    } finally {
      await side.ledger.close();
    }
    return seqs;
  } catch (error) {
    throw asCustodyError(error);
  }
}

/** The last first: what a crash leaves is a chain with a shorter end that cannot be read. */
async function setAside(
  { backend }: FolderSide,
  vault: VaultId,
  { ledger, chain }: VaultTransaction,
): Promise<readonly number[]> {
  const seqs: number[] = [];
  for (const { seq, hash } of (await ledger.commits()).toReversed()) {
    if (isHashKnown(hash)) break;
    const bytes = await chain.read(seq);
    if (bytes !== undefined) await backend.put(damagedCommitName(vault, seq, sha256(bytes)), bytes);
    await backend.delete(chainName(vault, seq));
    seqs.unshift(seq);
  }
  return seqs;
}
