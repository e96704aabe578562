/**
 * What a collection would do, worked out without changing anything. Whatever cannot be read makes the plan fail: when in
 * doubt nothing goes.
 */
import { containsPackId, type PackId, type PackIdList, packLength, sortPackIds } from '@keephold/protocol';
import type { CommitRow } from '../ledger/vault-ledger.ts';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';
import { afterCollection, type PackEntry } from '../pack-state.ts';
import { isExpiring, isKeptCommit, isVanishing } from '../snapshot-state.ts';
import { type NeededPacks, neededPacks } from './needed-packs.ts';

export interface CollectionDelays {
  /** Milliseconds a snapshot stays in the trash. */
  readonly trash: number;
  /** Milliseconds an unneeded pack, a superseded index object or an expired snapshot's object stays. */
  readonly purge: number;
}

export interface CollectionPlan {
  readonly now: number;
  /** Snapshots to expire, ascending. */
  readonly expire: readonly number[];
  /** Snapshots whose object goes now, ascending. */
  readonly gone: readonly number[];
  /** New states of packs. */
  readonly changed: readonly { readonly id: PackId; readonly entry: PackEntry }[];
  readonly condemned: number;
  readonly condemnedBytes: number;
  readonly purge: PackIdList;
  readonly purgeBytes: number;
  readonly needed: NeededPacks;
  /** All commits, as they were before. */
  readonly rows: readonly CommitRow[];
}

export interface CollectionTime {
  /** Ledger time, unix milliseconds. */
  readonly now: number;
  readonly delays: CollectionDelays;
}

/** What is needed when those snapshots that are due have expired; `known`: what was, before the lock was taken. */
export async function neededAt(
  transaction: VaultTransaction,
  rows: readonly CommitRow[],
  { now, delays, known }: CollectionTime & { readonly known: NeededPacks },
): Promise<NeededPacks> {
  const kept = rows.filter((row) => isKeptCommit(row) && !isExpiring(row, now, delays.trash));
  return await neededPacks(transaction, rows, { kept: new Set(kept.map(({ seq }) => seq)), known });
}

export async function planCollection(
  transaction: VaultTransaction,
  rows: readonly CommitRow[],
  { now, delays, needed }: CollectionTime & { readonly needed: NeededPacks },
): Promise<CollectionPlan> {
  const expire = rows.filter((row) => isExpiring(row, now, delays.trash)).map(({ seq }) => seq);
  const expiring = new Set(expire);
  const packs = await planPacks(transaction, { needed: needed.packs, now, delay: delays.purge });
  // An expired row keeps the time of its expiry where the trash kept its own.
  const gone = rows
    .filter((row) => isVanishing(row, now, delays.purge) || (expiring.has(row.seq) && delays.purge === 0))
    .map(({ seq }) => seq);
  return { now, rows, expire, gone, needed, ...packs };
}

async function planPacks(
  { packs }: VaultTransaction,
  { needed, now, delay }: { readonly needed: PackIdList; readonly now: number; readonly delay: number },
): Promise<Omit<CollectionPlan, 'now' | 'rows' | 'expire' | 'gone' | 'needed'>> {
  const changed: { id: PackId; entry: PackEntry }[] = [];
  const purge: Uint8Array[] = [];
  let [condemned, condemnedBytes, purgeBytes] = [0, 0, 0];
  for (const shard of await packs.all()) {
    for (const [view, before] of shard.entries()) {
      const entry = afterCollection(before, { isNeeded: containsPackId(needed, view), now, delay });
      if (entry === before) continue;
      const id = new Uint8Array(view) as Uint8Array as PackId;
      if (before.state !== 'condemned' && entry.state !== 'live') {
        condemned += 1;
        condemnedBytes += packLength(entry.pages);
      }
      if (entry.state === 'purging') {
        purge.push(id);
        purgeBytes += packLength(entry.pages);
      } else changed.push({ id, entry });
    }
  }
  return { changed, condemned, condemnedBytes, purge: sortPackIds(purge), purgeBytes };
}
