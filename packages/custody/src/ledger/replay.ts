/**
 * Brings a vault's part of the ledger up to its chain: commits that the ledger does not have yet, or all of them. The
 * chain wins over whatever the ledger said. Signatures are not checked again: they were when the commit was accepted,
 * and every reader checks them; the hash chain is, because it is what tells one history from another.
 *
 * A damaged file must not stand before all the others: a commit that cannot be read leaves a row that says so, a
 * keeper's record that cannot be read leaves the times of files. As long as either is so, nothing is ever deleted.
 *
 * What cannot be replayed errs towards keeping: packs that were condemned are live again, and leases of packs without a
 * commit run from when their files were written.
 */
import type { Backend } from '@keephold/backend';
import {
  applyRefsetDelta,
  type Commit,
  type KeychainState,
  type ObjectName,
  type PackIdList,
} from '@keephold/protocol';
import { unlessDamaged } from '../chain/chain-store.ts';
import type { KeeperRecord } from '../chain/keeper-record.ts';
import { chainName, objectName } from '../layout.ts';
import { packsToProve } from '../snapshot-state.ts';
import { applyCommit, NO_PACKS } from './apply-commit.ts';
import { soundCommits } from './sound-commits.ts';
import { isKept, type VaultTransaction, vaultRow } from './vault-transaction.ts';

const NANOSECONDS = 1_000_000n;

/** Replays what follows the ledger's head, up to the last commit that is sound. */
export async function replay(transaction: VaultTransaction, backend: Backend, keychain: KeychainState): Promise<void> {
  const { vault, chain, ledger } = transaction;
  const { headSeq: seq, headHash: hash } = await vaultRow(transaction);
  const stored = chain.since(seq, await chain.last());
  for await (const replayed of soundCommits(stored, { vault, keychain, seq, hash })) {
    if (replayed.kind === 'sound') await replayCommit(transaction, backend, replayed.commit, replayed.hash);
    else await ledger.addLost(replayed.seq, replayed.hash);
  }
}

async function replayCommit(
  transaction: VaultTransaction,
  backend: Backend,
  commit: Commit,
  hash: Uint8Array,
): Promise<void> {
  const { chain, vault } = transaction;
  const sizeOf = async (name: ObjectName): Promise<number | undefined> =>
    (await backend.stat(objectName(vault, name)))?.size;
  if (commit.kind === 'keeper-event') {
    const receivedAt = Number(commit.clientTime / NANOSECONDS);
    return await applyCommit(transaction, { commit, hash, receivedAt, toLive: NO_PACKS, sizeOf });
  }
  const record = await unlessDamaged(chain.readRecord(commit.seq, hash));
  const receivedAt = record?.receivedAt ?? (await timeOfFile(transaction, backend, commit.seq));
  const toLive = record && (await unlessDamaged(packsToLive(transaction, record)));
  await applyCommit(transaction, { commit, hash, receivedAt, toLive: toLive ?? record?.added ?? NO_PACKS, sizeOf });
}

/** When the commit was written by the clock of the disk, in place of the time that its lost record had. */
async function timeOfFile(transaction: VaultTransaction, backend: Backend, seq: number): Promise<number> {
  const { time } = await vaultRow(transaction);
  const written = (await backend.stat(chainName(transaction.vault, seq)))?.modifiedAt ?? 0;
  return Math.max(time, Math.floor(written));
}

async function packsToLive(transaction: VaultTransaction, record: KeeperRecord): Promise<PackIdList> {
  const { baseSeq, added } = record;
  if (baseSeq === 0) return added;
  const isBaseKept = await isKept(transaction, await transaction.ledger.commit(baseSeq));
  return packsToProve(isBaseKept, { added, whole: isBaseKept ? added : await wholeSet(transaction, record) });
}

async function wholeSet(transaction: VaultTransaction, record: KeeperRecord): Promise<PackIdList> {
  const { packs } = await transaction.refsets.load(record.baseSeq);
  return applyRefsetDelta(packs, { parentSeq: undefined, added: record.added, removed: record.removed });
}

/** Takes objects that are gone out of the ledger: an older one still names what was purged since. */
export async function reconcileObjects({ ledger, vault }: VaultTransaction, backend: Backend): Promise<void> {
  for (const { name } of await ledger.objects()) {
    if ((await backend.stat(objectName(vault, name))) === undefined) await ledger.forgetObject(name);
  }
}
