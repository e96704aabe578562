/** The packs that kept snapshots need, from the keeper's records: what must never be condemned. */
import { CustodyError, EMPTY_PACK_ID_LIST, type PackIdList, unionPackIds } from '@keephold/protocol';
import type { CommitRow } from '../ledger/vault-ledger.ts';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';

/**
 * The union of the refsets of `kept` and of all heals of them. A record whose base is kept too adds only its delta, so
 * this costs what the deltas weigh.
 * @throws CustodyError 'damaged' when a commit or record cannot be read: then nothing may be deleted.
 */
export async function neededPacks(
  transaction: VaultTransaction,
  rows: readonly CommitRow[],
  kept: ReadonlySet<number>,
): Promise<PackIdList> {
  const lost = rows.find(({ kind }) => kind === 'lost');
  if (lost !== undefined) throw new CustodyError('damaged', `read commit ${lost.seq}: it is damaged or missing`);
  const counted = new Set<number>();
  const lists: PackIdList[] = [];
  let needed: PackIdList = EMPTY_PACK_ID_LIST;
  for (const row of rows) {
    if (!kept.has(row.kind === 'heal' ? row.parentSeq : row.seq)) continue;
    const record = await transaction.chain.readRecord(row.seq, row.hash);
    if (counted.has(record.baseSeq)) lists.push(record.added);
    else needed = unionPackIds(needed, (await transaction.refsets.load(row.seq)).packs);
    counted.add(row.seq);
  }
  return unionPackIds(needed, unionOfAll(lists));
}

/** Merged in pairs, so that each id is copied a logarithmic number of times. */
function unionOfAll(lists: readonly PackIdList[]): PackIdList {
  let level = lists;
  while (level.length > 1) {
    const next: PackIdList[] = [];
    for (let i = 0; i < level.length; i += 2) {
      next.push(unionPackIds(level[i] as PackIdList, level[i + 1] ?? EMPTY_PACK_ID_LIST));
    }
    level = next;
  }
  return level[0] ?? EMPTY_PACK_ID_LIST;
}
