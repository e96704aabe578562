/**
 * A commit whose file is damaged or gone, put back from who has seen it. Nothing can be written after an end of the chain
 * that nobody reads, and nothing else has those bytes. Must never cover up an older copy, or another history.
 */
import type { Backend } from '@keephold/backend';
import { equalBytes } from '@keephold/bytes';
import { type Commit, type KeychainState, parseCommit, type VaultId } from '@keephold/protocol';
import type { AccountRecords } from '../account/account-records.ts';
import { ChainStore, hashOfCommit } from '../chain/chain-store.ts';
import { refusingMalformed } from '../custody-failure.ts';
import { recordName } from '../layout.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { isSignedCommit } from '../ledger/sound-commits.ts';

export interface PutBackParts {
  readonly backend: Backend;
  readonly account: AccountRecords;
  readonly ledger: Ledger;
}

/** Costs one small file while the commit is whole. */
export async function putBackCommit(
  { backend, account, ledger }: PutBackParts,
  vault: VaultId,
  bytes: Uint8Array,
): Promise<boolean> {
  const { commit } = refusingMalformed(() => parseCommit(bytes));
  if (!equalBytes(commit.vaultId, vault)) return false;
  const chain = new ChainStore(backend, vault);
  const own = await chain.read(commit.seq);
  if (own !== undefined && equalBytes(own, bytes)) return false;
  if (own === undefined && !(await hasRecord(backend, bytes, commit))) return false;
  if (!(await fits(chain, commit, { own, bytes, keychain: await account.keychainState() }))) return false;
  await chain.replace(commit.seq, bytes);
  await makeKnown(ledger, vault, commit.seq);
  return true;
}

async function hasRecord(backend: Backend, bytes: Uint8Array, commit: Commit): Promise<boolean> {
  return (await backend.stat(recordName(commit.vaultId, commit.seq, hashOfCommit(bytes)))) !== undefined;
}

interface Fitting {
  readonly own: Uint8Array | undefined;
  readonly bytes: Uint8Array;
  readonly keychain: KeychainState;
}

/** Whether it is signed, what is in its place is not, and neither neighbour is of another history. */
async function fits(
  chain: ChainStore,
  { seq, vaultId: vault, prevHash }: Commit,
  { own, bytes, keychain }: Fitting,
): Promise<boolean> {
  const isSigned = (at: number, file: Uint8Array): boolean =>
    isSignedCommit({ seq: at, bytes: file }, { vault, keychain });
  if (!isSigned(seq, bytes) || (own !== undefined && isSigned(seq, own))) return false;
  const before = await chain.read(seq - 1);
  if (before !== undefined && !equalBytes(hashOfCommit(before), prevHash) && isSigned(seq - 1, before)) return false;
  const after = await chain.read(seq + 1);
  if (after === undefined || !isSigned(seq + 1, after)) return true;
  return equalBytes(parseCommit(after).commit.prevHash, hashOfCommit(bytes));
}

/** A ledger that was made while nobody could read the commit has forgotten what it said. */
async function makeKnown(ledger: Ledger, vault: VaultId, seq: number): Promise<void> {
  const row = await ledger.read(vault, async ({ ledger: rows }) => await rows.commit(seq));
  if (row === undefined || row.kind === 'lost') await ledger.rebuild(vault);
}
