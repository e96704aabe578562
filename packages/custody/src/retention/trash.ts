/** Moving snapshots into the trash and out of it (security.md §6.1 R4): restorable until the delay has passed. */
import { CustodyError, type RetentionChange, type VaultId } from '@keephold/protocol';
import { NO_PACKS } from '../ledger/apply-commit.ts';
import type { CommitRow } from '../ledger/vault-ledger.ts';
import { ledgerTime, type VaultTransaction } from '../ledger/vault-transaction.ts';
import { isKeptState, mayUntrash } from '../snapshot-state.ts';
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
    const snapshots = rows.filter(({ state }) => state === 'active').map(({ seq }) => seq);
    if (snapshots.length > 0) {
      await appendEvent(keeper, transaction, { event: 'trashed', snapshots, packs: NO_PACKS, at });
    }
    return rows.map(({ seq, state, trashedAt }) => ({
      seq,
      expiresAt: (state === 'trashed' ? trashedAt : at) + delay,
    }));
  });
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

/** Ascending, each once; all of them must be there still. */
async function keptRows({ ledger }: VaultTransaction, seqs: readonly number[]): Promise<readonly CommitRow[]> {
  const rows: CommitRow[] = [];
  for (const seq of [...new Set(seqs)].sort((a, b) => a - b)) {
    const row = await ledger.commit(seq);
    if (row === undefined || row.state === 'none')
      throw new CustodyError('refused', `use snapshot ${seq}: there is none`);
    if (!isKeptState(row.state)) {
      throw new CustodyError('refused', `use snapshot ${seq}: it has expired`);
    }
    rows.push(row);
  }
  return rows;
}
