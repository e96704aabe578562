/**
 * Brings a vault's part of the ledger up to its chain: commits that the ledger does not have yet, or all of them. The
 * chain wins over whatever the ledger said. Signatures are not checked again: they were when the commit was accepted,
 * and every reader checks them; the hash chain is, because it is what tells one history from another.
 *
 * What cannot be replayed errs towards keeping: packs that were condemned are live again, and leases of packs without a
 * commit run from when their files were written.
 */
import type { Backend } from '@keephold/backend';
import { equalBytes, fromHex, toHex } from '@keephold/bytes';
import {
  applyRefsetDelta,
  type Commit,
  CustodyError,
  type ObjectName,
  PACK_HEADER_LENGTH,
  type PackId,
  type PackIdList,
  parseCommit,
  SEALED_PAGE_LENGTH,
} from '@keephold/protocol';
import { hashOfCommit } from '../chain/chain-store.ts';
import type { KeeperRecord } from '../chain/keeper-record.ts';
import { findingDamage } from '../custody-failure.ts';
import { chainName, objectName, packsFolder } from '../layout.ts';
import { afterFound, afterMissing, type PackEntry } from '../pack-state.ts';
import { packsToProve } from '../snapshot-state.ts';
import { applyCommit, NO_PACKS } from './apply-commit.ts';
import { isKept, type VaultTransaction, vaultRow } from './vault-transaction.ts';

const NANOSECONDS = 1_000_000n;

/** Replays what follows the ledger's head; answers how many commits. */
export async function replay(transaction: VaultTransaction, backend: Backend): Promise<number> {
  let { headSeq, headHash } = await vaultRow(transaction);
  let count = 0;
  for await (const { seq, bytes } of transaction.chain.since(headSeq)) {
    const name = chainName(transaction.vault, seq);
    const { commit } = findingDamage(name, () => parseCommit(bytes));
    const follows = commit.seq === headSeq + 1 && equalBytes(commit.prevHash, headHash);
    if (!follows || !equalBytes(commit.vaultId, transaction.vault)) {
      throw new CustodyError('damaged', `read ${name}: it does not follow commit ${headSeq}`);
    }
    headHash = hashOfCommit(bytes);
    headSeq = seq;
    await replayCommit(transaction, backend, commit, headHash);
    count += 1;
  }
  return count;
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
  const record = await chain.readRecord(commit.seq, hash);
  const toLive = await packsToLive(transaction, record);
  await applyCommit(transaction, { commit, hash, receivedAt: record.receivedAt, toLive, sizeOf });
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

/**
 * Compares the ledger with the packs that are really there: takes in those it does not know and marks those that are
 * gone. Reads the whole listing.
 */
export async function reconcilePacks(transaction: VaultTransaction, backend: Backend): Promise<void> {
  const { packs, vault } = transaction;
  const seen = new Set<string>();
  for await (const { name, size, modifiedAt } of backend.list(packsFolder(vault))) {
    const hex = name.slice(name.lastIndexOf('/') + 1);
    const id = packIdOf(hex);
    const pages = (size - PACK_HEADER_LENGTH) / SEALED_PAGE_LENGTH;
    // A file that is no pack is left alone; `check` reports it.
    if (id === undefined || !Number.isInteger(pages) || pages < 1 || pages > 256) continue;
    seen.add(hex);
    const before = await packs.get(id);
    const after = afterFound(before, { pages, writtenAt: modifiedAt });
    if (after !== before) await packs.set(id, after);
  }
  await markMissing(transaction, seen);
}

/** Takes objects that are gone out of the ledger: an older one still names what was purged since. */
export async function reconcileObjects({ ledger, vault }: VaultTransaction, backend: Backend): Promise<void> {
  for (const { name } of await ledger.objects()) {
    if ((await backend.stat(objectName(vault, name))) === undefined) await ledger.forgetObject(name);
  }
}

async function markMissing({ packs }: VaultTransaction, seen: ReadonlySet<string>): Promise<void> {
  const missing: (readonly [PackId, PackEntry])[] = [];
  for (const shard of await packs.all()) {
    for (const [id, entry] of shard.entries()) {
      // The id is a view of the shard, which is about to change.
      if (!seen.has(toHex(id))) missing.push([new Uint8Array(id) as Uint8Array as PackId, entry]);
    }
  }
  for (const [id, entry] of missing) {
    const after = afterMissing(entry);
    if (after === undefined) await packs.remove(id);
    else if (after !== entry) await packs.set(id, after);
  }
}

function packIdOf(hex: string): PackId | undefined {
  return /^[0-9a-f]{64}$/.test(hex) ? (fromHex(hex) as Uint8Array as PackId) : undefined;
}
