/** Moving snapshots into the trash and out of it (security.md §6.1 R4): restorable until the delay has passed. */
import { CustodyError, type RetentionChange, type VaultId } from '@keephold/protocol';
import { NO_PACKS } from '../ledger/apply-commit.ts';
import type { CommitRow } from '../ledger/vault-ledger.ts';
import { ledgerTime, type VaultTransaction } from '../ledger/vault-transaction.ts';
import { isKeptCommit, isUnread, mayUntrash } from '../snapshot-state.ts';
import { appendEvent, type SigningKeeper } from './keeper-event.ts';

/** Snapshots already in the trash keep their date. `delay` in milliseconds. */
export async function trashSnapshots(
  keeper: SigningKeeper,
  vault: VaultId,
  { seqs, delay }: { readonly seqs: readonly number[]; readonly delay: number },
): Promise<readonly RetentionChange[]> {
  return await keeper.ledger.write(vault, async (transaction) => {
    const rows = await keptRows(transaction, seqs);
    const at = await ledgerTime(keeper.clock, transaction);
    const given = new Set(rows.filter(isUnread).map(({ seq }) => seq));
    if (given.size > 0) await takeBack(keeper, transaction, { given, at });
    const snapshots = rows.filter((row) => row.state === 'active' || isUnread(row)).map(({ seq }) => seq);
    if (snapshots.length > 0) {
      await appendEvent(keeper, transaction, { event: 'trashed', snapshots, packs: NO_PACKS, at });
    }
    return rows.map(({ seq, state, trashedAt }) => ({
      seq,
      expiresAt: (state === 'trashed' ? trashedAt : at) + delay,
    }));
  });
}

/**
 * A commit without a record may have been the word that took snapshots out of the trash. Before it is given up, those
 * that were forgotten before it are taken out again.
 */
async function takeBack(
  keeper: SigningKeeper,
  transaction: VaultTransaction,
  { given, at }: { readonly given: ReadonlySet<number>; readonly at: number },
): Promise<void> {
  const rows = await transaction.ledger.commits();
  let before = -1;
  for (const row of rows) {
    if (!given.has(row.seq) || (await transaction.chain.hasReadableRecord(row))) continue;
    const next = rows.find(({ seq, kind }) => seq > row.seq && kind !== 'lost');
    before = Math.max(before, next?.receivedAt ?? at);
  }
  const snapshots = rows
    .filter(({ kind, state, trashedAt }) => kind !== 'lost' && state === 'trashed' && trashedAt <= before)
    .map(({ seq }) => seq);
  if (snapshots.length > 0)
    await appendEvent(keeper, transaction, { event: 'untrashed', snapshots, packs: NO_PACKS, at });
}

export async function untrashSnapshots(keeper: SigningKeeper, vault: VaultId, seqs: readonly number[]): Promise<void> {
  await keeper.ledger.write(vault, async (transaction) => {
    const rows = await keptRows(transaction, seqs);
    const snapshots = rows.filter(({ state }) => mayUntrash(state)).map(({ seq }) => seq);
    if (snapshots.length === 0) return;
    const at = await ledgerTime(keeper.clock, transaction);
    await appendEvent(keeper, transaction, { event: 'untrashed', snapshots, packs: NO_PACKS, at });
  });
}

/** Ascending, each once; all of them must be there still, but for commits that cannot be read. */
async function keptRows({ ledger }: VaultTransaction, seqs: readonly number[]): Promise<readonly CommitRow[]> {
  const rows: CommitRow[] = [];
  for (const seq of [...new Set(seqs)].sort((a, b) => a - b)) {
    const row = await ledger.commit(seq);
    if (row === undefined || (row.state === 'none' && !isUnread(row)))
      throw new CustodyError('refused', `use snapshot ${seq}: there is none`);
    if (row.kind === 'lost' && !isKeptCommit(row)) continue;
    if (!isKeptCommit(row)) {
      throw new CustodyError('refused', `use snapshot ${seq}: it has expired`);
    }
    rows.push(row);
  }
  return rows;
}
