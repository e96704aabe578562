/** The packs that kept snapshots need, from the keeper's records: what must never be condemned. */
import { toHex } from '@keephold/bytes';
import {
  CustodyError,
  EMPTY_PACK_ID_LIST,
  intersectPackIds,
  isHashKnown,
  type PackIdList,
  unionPackIds,
} from '@keephold/protocol';
import { unlessDamaged } from '../chain/chain-store.ts';
import type { CommitRow } from '../ledger/vault-ledger.ts';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';
import { isLost } from '../pack-state.ts';
import { isUnread } from '../snapshot-state.ts';

export interface NeededPacks {
  /** Commits whose refsets are in it. */
  readonly counted: ReadonlySet<number>;
  readonly packs: PackIdList;
}

const GIVE_UP =
  'nothing expires and nothing is deleted until it is mended (keephold heal --from, keephold repair where there is parity) or given up, for which there is a month to find a copy: keephold repair --accept-history';

const GIVEN_UP =
  'it was given up: nothing expires and nothing is deleted until its delay is over, which keephold gc --trash-days 0 ends at once';

const FIND_OUT =
  'nothing expires and nothing is deleted while it is not known what a snapshot needs; keephold heal finds it out again where the device may read, or with the password, and keephold heal --from takes it from a copy';

export const NOTHING_NEEDED: NeededPacks = { counted: new Set(), packs: EMPTY_PACK_ID_LIST };

/**
 * The union of the refsets of `kept` and of all heals of them. A record whose base is counted adds only its delta, so
 * this costs what the deltas weigh. What was `known` some time ago is completed, unless it holds what is no longer kept.
 *
 * A kept commit that cannot be read needs what its record says, whatever it was. One that was given up and is not kept
 * any more may have been the heal of a kept snapshot: it counts as long as some of those need a pack that is lost.
 * @throws CustodyError 'damaged' when a record cannot be read: then nothing may be deleted.
 */
export async function neededPacks(
  transaction: VaultTransaction,
  rows: readonly CommitRow[],
  { kept, known = NOTHING_NEEDED }: { readonly kept: ReadonlySet<number>; readonly known?: NeededPacks },
): Promise<NeededPacks> {
  const wanted = rows.filter((row) => kept.has(row.kind === 'heal' ? row.parentSeq : row.seq));
  const start = isWithin(known, wanted) ? known : NOTHING_NEEDED;
  const counted = new Set(start.counted);
  const missing = wanted.filter(({ seq }) => !counted.has(seq));
  let packs = start.packs;
  for (const row of missing.filter(({ kind }) => kind === 'lost')) {
    packs = unionPackIds(packs, await needsOfUnread(transaction, row));
    counted.add(row.seq);
  }
  const rest = missing.filter(({ kind }) => kind !== 'lost');
  packs = await hinting(FIND_OUT, async () => await withRefsets(transaction, rest, { counted, packs }));
  const givenUp = rows.filter(({ kind, seq }) => kind === 'lost' && !kept.has(seq));
  return { counted, packs: unionPackIds(packs, await healsAmong(transaction, givenUp, packs)) };
}

async function withRefsets(
  transaction: VaultTransaction,
  rows: readonly CommitRow[],
  { counted, packs: start }: { readonly counted: Set<number>; readonly packs: PackIdList },
): Promise<PackIdList> {
  const lists: PackIdList[] = [];
  let packs = start;
  for await (const record of transaction.chain.records(byStream(rows))) {
    if (counted.has(record.baseSeq)) lists.push(record.added);
    else packs = unionPackIds(packs, await refsetOf(transaction, record.seq));
    counted.add(record.seq);
  }
  return unionPackIds(packs, unionOfAll(lists));
}

/** What a commit needs that cannot be read only its record tells; without that it may be anything that is there. */
async function needsOfUnread(transaction: VaultTransaction, row: CommitRow): Promise<PackIdList> {
  return await hinting(isUnread(row) ? GIVE_UP : GIVEN_UP, async () => {
    const { seq, hash } = row;
    if (isHashKnown(hash)) return await refsetOf(transaction, seq);
    throw new CustodyError('damaged', `read commit ${seq}: it is damaged or missing, and with it what it needs`);
  });
}

async function hinting<T>(hint: string, reading: () => Promise<T>): Promise<T> {
  try {
    return await reading();
  } catch (cause) {
    if (!(cause instanceof CustodyError) || cause.code !== 'damaged') throw cause;
    throw new CustodyError('damaged', cause.message, { cause, hint });
  }
}

async function refsetOf({ refsets }: VaultTransaction, seq: number): Promise<PackIdList> {
  return (await refsets.load(seq, { unread: 'by-record' })).packs;
}

async function healsAmong(
  transaction: VaultTransaction,
  givenUp: readonly CommitRow[],
  needed: PackIdList,
): Promise<PackIdList> {
  if (givenUp.length === 0) return EMPTY_PACK_ID_LIST;
  const lost = await transaction.packs.ids(isLost);
  if (intersectPackIds(lost, needed).length === 0) return EMPTY_PACK_ID_LIST;
  const lists = await Promise.all(givenUp.map(async ({ seq }) => await unlessDamaged(refsetOf(transaction, seq))));
  return unionOfAll(lists.filter((list) => list !== undefined));
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
