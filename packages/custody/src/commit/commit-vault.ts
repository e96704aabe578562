/**
 * Accepting a commit (format.md §7, security.md §4 and §6.5). Under the repository's write lock: is it the next one, by
 * whom, are its objects and packs there; then the keeper's record, then `chain/<seq>`, created exclusively. That file
 * is the commit point: before it nothing has happened, after it the commit stands, whatever becomes of the ledger.
 */
import type { Backend } from '@keephold/backend';
import { equalBytes, toHex } from '@keephold/bytes';
import {
  type CommitOutcome,
  type CommitRequest,
  CustodyError,
  type Head,
  type KeychainState,
  type ObjectName,
  type PackIdList,
  type RefsetDelta,
  subtractPackIds,
  type VaultId,
  verifyNextCommit,
} from '@keephold/protocol';
import type { AccountRecords } from '../account/account-records.ts';
import { verifier } from '../account/verifier.ts';
import { hashOfCommit } from '../chain/chain-store.ts';
import type { KeeperRecord } from '../chain/keeper-record.ts';
import { type StoredRefset, storedForm } from '../chain/refset-store.ts';
import type { KeeperClock } from '../clock.ts';
import { refusingMalformed } from '../custody-failure.ts';
import { objectName } from '../layout.ts';
import { applyCommit, NO_PACKS, objectsOf } from '../ledger/apply-commit.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { VaultRow } from '../ledger/vault-ledger.ts';
import { isKept, ledgerTime, type VaultTransaction, vaultRow } from '../ledger/vault-transaction.ts';
import { packsToProve } from '../snapshot-state.ts';
import { checkNewPacks, missingPacks } from './check-packs.ts';
import {
  type CommitWithPacks,
  type CommitWithRefset,
  checkRequest,
  hasRefset,
  refsetOf,
  refused,
} from './check-request.ts';

export interface Keeper {
  readonly backend: Backend;
  readonly ledger: Ledger;
  readonly account: AccountRecords;
  readonly clock: KeeperClock;
}

/** What a commit needs of packs, as far as it has been found to be there. */
interface PreparedRefset {
  readonly toLive: PackIdList;
  readonly form: Pick<KeeperRecord, 'baseSeq' | 'added' | 'removed'>;
  readonly refset: StoredRefset | undefined;
}

type Prepared = PreparedRefset | { readonly missing: PackIdList };

export async function commitToVault(keeper: Keeper, vault: VaultId, request: CommitRequest): Promise<CommitOutcome> {
  const commit = checkRequest(vault, request);
  const hash = hashOfCommit(request.bytes);
  const keychain = await keeper.account.keychainState();
  let appended = false;
  const accepted: CommitOutcome = { kind: 'accepted', head: { seq: commit.seq, hash } };
  try {
    return await keeper.ledger.write(vault, async (transaction) => {
      const moved = await whenNotNext(transaction, request, commit);
      if (moved !== undefined) return moved;
      await checkSigner(transaction, request, commit, keychain);
      const sizes = await sizesOfObjects(keeper, vault, commit);
      const prepared = await prepare(keeper, transaction, commit, request);
      if ('missing' in prepared) return { kind: 'missing-packs', packs: prepared.missing };
      const receivedAt = await ledgerTime(keeper.clock, transaction);
      const record = { seq: commit.seq, receivedAt, ...prepared.form, packs: request.packsAdded };
      await transaction.chain.writeRecord(record, hash);
      if ((await transaction.chain.append(commit.seq, request.bytes)) === 'exists') return await lostRace();
      appended = true;
      if (prepared.refset !== undefined) transaction.refsets.remember(commit.seq, prepared.refset);
      const sizeOf = async (name: ObjectName): Promise<number | undefined> => sizes.get(toHex(name));
      await applyCommit(transaction, { commit, hash, receivedAt, toLive: prepared.toLive, sizeOf });
      return accepted;
    });
  } catch (error) {
    // The chain has it: the ledger catches up by replay when it is next used.
    if (appended) return accepted;
    throw error;
  }
}

/** Undefined when the commit is the next one. */
async function whenNotNext(
  transaction: VaultTransaction,
  request: CommitRequest,
  commit: CommitWithPacks,
): Promise<CommitOutcome | undefined> {
  const row = await vaultRow(transaction);
  if (commit.seq <= row.headSeq) {
    const stored = await transaction.chain.read(commit.seq);
    if (stored !== undefined && equalBytes(stored, request.bytes)) {
      return { kind: 'accepted', head: { seq: commit.seq, hash: hashOfCommit(stored) } };
    }
  }
  if (commit.seq === row.headSeq + 1 && equalBytes(commit.prevHash, row.headHash)) return undefined;
  return { kind: 'head-moved', head: headOf(row) };
}

/** Only a writer that does not see our lock gets here; its commit is in the chain now and replayed next time. */
async function lostRace(): Promise<never> {
  throw new CustodyError('unavailable', 'commit: another writer was first without taking the lock; try again');
}

async function checkSigner(
  transaction: VaultTransaction,
  request: CommitRequest,
  commit: CommitWithPacks,
  keychain: KeychainState,
): Promise<void> {
  const { headSeq, headHash, keychainSeq } = await vaultRow(transaction);
  const author = commit.kind === 'heal' ? (await transaction.ledger.commit(commit.parentSeq))?.deviceId : undefined;
  refusingMalformed(() =>
    verifyNextCommit({ vaultId: transaction.vault, seq: headSeq, hash: headHash, keychainSeq }, request.bytes, {
      keychain,
      verifier,
      authorOf: () => author,
    }),
  );
  if (commit.deviceId === undefined) return;
  // A revoked device cannot go on by standing on an older keychain entry (security.md §3.12).
  if (keychain.devices.get(toHex(commit.deviceId))?.revokedSeq !== undefined) {
    throw refused(commit, `device ${toHex(commit.deviceId)} was revoked`);
  }
}

async function sizesOfObjects(
  { backend }: Keeper,
  vault: VaultId,
  commit: CommitWithPacks,
): Promise<ReadonlyMap<string, number>> {
  const sizes = await Promise.all(
    objectsOf(commit).map(async ({ name }) => {
      const found = await backend.stat(objectName(vault, name));
      if (found === undefined) throw refused(commit, `it names object ${toHex(name)}, which is not there`);
      return [toHex(name), found.size] as const;
    }),
  );
  return new Map(sizes);
}

async function prepare(
  keeper: Keeper,
  transaction: VaultTransaction,
  commit: CommitWithPacks,
  request: CommitRequest,
): Promise<Prepared> {
  if (!hasRefset(commit) || request.refset === undefined) {
    return { toLive: NO_PACKS, form: { baseSeq: 0, added: NO_PACKS, removed: NO_PACKS }, refset: undefined };
  }
  const delta = request.refset;
  const base = await transaction.refsets.loadBase(delta.parentSeq);
  const packs = refsetOf(commit, base.packs, delta);
  if (commit.kind === 'heal') await checkHeal(transaction, commit, packs);
  const toLive = packsToProve(await isBaseKept(transaction, delta), { added: delta.added, whole: packs });
  const check = { vault: transaction.vault, backend: keeper.backend, packs: transaction.packs };
  // A heal adds to a snapshot just because packs of it are lost.
  const missing = await missingPacks(check, toLive, commit.kind === 'heal' ? delta.added : packs);
  if (missing.length > 0) return { missing };
  await checkNewPacks(check, commit, { packsAdded: request.packsAdded, refset: packs });
  const stored = storedForm(base, { baseSeq: delta.parentSeq ?? 0, added: delta.added, removed: delta.removed }, packs);
  return { toLive, ...stored };
}

async function isBaseKept(transaction: VaultTransaction, delta: RefsetDelta): Promise<boolean> {
  if (delta.parentSeq === undefined) return false;
  return await isKept(transaction, await transaction.ledger.commit(delta.parentSeq));
}

/** A heal adds to what its snapshot needs now, earlier heals included, and takes nothing away. */
async function checkHeal(transaction: VaultTransaction, commit: CommitWithRefset, packs: PackIdList): Promise<void> {
  const healed = await transaction.ledger.commit(commit.parentSeq ?? 0);
  if (healed === undefined || (healed.kind !== 'snapshot' && healed.kind !== 'checkpoint')) {
    throw refused(commit, `commit ${commit.parentSeq} is no snapshot`);
  }
  if (!(await isKept(transaction, healed))) throw refused(commit, `snapshot ${healed.seq} has expired`);
  const current = await transaction.refsets.load(await effectiveSeq(transaction, healed.seq));
  if (subtractPackIds(current.packs, packs).length > 0) throw refused(commit, 'it takes packs away from the snapshot');
}

/** The commit whose refset counts for a snapshot: its latest heal, or itself. */
export async function effectiveSeq(transaction: VaultTransaction, seq: number): Promise<number> {
  return (await transaction.ledger.latestHeal(seq)) ?? seq;
}

export function headOf(row: VaultRow): Head {
  return { seq: row.headSeq, hash: row.headHash };
}
