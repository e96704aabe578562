/** The packs that kept snapshots need, from the keeper's records: what must never be condemned. */
import { toHex } from '@keephold/bytes';
import { CustodyError, EMPTY_PACK_ID_LIST, type PackIdList, unionPackIds } from '@keephold/protocol';
import type { CommitRow } from '../ledger/vault-ledger.ts';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';

export interface NeededPacks {
  /** Commits whose refsets are in it. */
  readonly counted: ReadonlySet<number>;
  readonly packs: PackIdList;
}

export const NOTHING_NEEDED: NeededPacks = { counted: new Set(), packs: EMPTY_PACK_ID_LIST };

/**
 * The union of the refsets of `kept` and of all heals of them. A record whose base is counted adds only its delta, so
 * this costs what the deltas weigh. What was `known` some time ago is completed, unless it holds what is no longer kept.
 * @throws CustodyError 'damaged' when a commit or record cannot be read: then nothing may be deleted.
 */
export async function neededPacks(
  transaction: VaultTransaction,
  rows: readonly CommitRow[],
  { kept, known = NOTHING_NEEDED }: { readonly kept: ReadonlySet<number>; readonly known?: NeededPacks },
): Promise<NeededPacks> {
  const lost = rows.find(({ kind }) => kind === 'lost');
  if (lost !== undefined) throw new CustodyError('damaged', `read commit ${lost.seq}: it is damaged or missing`);
  const wanted = rows.filter((row) => kept.has(row.kind === 'heal' ? row.parentSeq : row.seq));
  const start = isWithin(known, wanted) ? known : NOTHING_NEEDED;
  const counted = new Set(start.counted);
  const lists: PackIdList[] = [];
  let packs = start.packs;
  const missing = wanted.filter(({ seq }) => !counted.has(seq));
  for await (const record of transaction.chain.records(byStream(missing))) {
    if (counted.has(record.baseSeq)) lists.push(record.added);
    else packs = unionPackIds(packs, (await transaction.refsets.load(record.seq)).packs);
    counted.add(record.seq);
  }
  return { counted, packs: unionPackIds(packs, unionOfAll(lists)) };
}

function isWithin({ counted }: NeededPacks, wanted: readonly CommitRow[]): boolean {
  return wanted.filter(({ seq }) => counted.has(seq)).length === counted.size;
}

/** One stream after the other, each in order: a refset is mostly a delta to the one that was loaded last. */
function byStream(rows: readonly CommitRow[]): readonly CommitRow[] {
  const streams = new Map<string, CommitRow[]>();
  for (const row of rows) {
    const stream = row.streamId === undefined ? '' : toHex(row.streamId);
    const found = streams.get(stream);
    if (found === undefined) streams.set(stream, [row]);
    else found.push(row);
  }
  return [...streams.values()].flat();
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
