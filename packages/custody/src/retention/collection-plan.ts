/**
 * What a collection would do, worked out without changing anything. Whatever cannot be read makes the plan fail: when in
 * doubt nothing goes.
 */
import { toHex } from '@keephold/bytes';
import {
  containsPackId,
  type ObjectName,
  type PackId,
  type PackIdList,
  packIdAt,
  packIdCount,
  packLength,
  sortPackIds,
} from '@keephold/protocol';
import type { CommitRow, NamedObject } from '../ledger/vault-ledger.ts';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';
import { afterCollection, type PackEntry } from '../pack-state.ts';
import { isExpiring, isKeptState, isVanishing } from '../snapshot-state.ts';
import { neededPacks } from './needed-packs.ts';

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
  readonly objects: readonly ObjectName[];
}

export async function planCollection(
  transaction: VaultTransaction,
  now: number,
  delays: CollectionDelays,
): Promise<CollectionPlan> {
  const rows = await transaction.ledger.commits();
  const expire = rows.filter((row) => isExpiring(row, now, delays.trash)).map(({ seq }) => seq);
  const expiring = new Set(expire);
  const kept = new Set(rows.filter(({ seq, state }) => isKeptState(state) && !expiring.has(seq)).map(({ seq }) => seq));
  const needed = await neededPacks(transaction, rows, kept);
  const packs = await planPacks(transaction, needed, now, delays);
  // An expired row keeps the time of its expiry where the trash kept its own.
  const gone = rows
    .filter((row) => isVanishing(row, now, delays.purge) || (expiring.has(row.seq) && delays.purge === 0))
    .map(({ seq }) => seq);
  const objects = await planObjects(transaction, { rows, gone, purge: packs.purge }, now - delays.purge);
  return { now, expire, gone, ...packs, objects };
}

async function planPacks(
  { packs }: VaultTransaction,
  needed: PackIdList,
  now: number,
  delays: CollectionDelays,
): Promise<Omit<CollectionPlan, 'now' | 'expire' | 'gone' | 'objects'>> {
  const changed: { id: PackId; entry: PackEntry }[] = [];
  const purge: Uint8Array[] = [];
  let [condemned, condemnedBytes, purgeBytes] = [0, 0, 0];
  for (const shard of await packs.all()) {
    for (const [view, before] of shard.entries()) {
      const id = new Uint8Array(view) as Uint8Array as PackId;
      const entry = afterCollection(before, { isNeeded: containsPackId(needed, id), now, delay: delays.purge });
      if (entry === before) continue;
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

async function planObjects(
  transaction: VaultTransaction,
  going: { readonly rows: readonly CommitRow[]; readonly gone: readonly number[]; readonly purge: PackIdList },
  supersededBefore: number,
): Promise<readonly ObjectName[]> {
  const rows = new Map(going.rows.map((row) => [row.seq, row]));
  const gone = new Set(going.gone);
  const deadIndexes = new Map<number, boolean>();
  const named = await transaction.ledger.objects();
  // Whoever names an object of another device must not decide when it goes: all who name it have to be done with it.
  const needed = new Set<string>();
  for (const object of named) if (!(await isDead(object))) needed.add(toHex(object.name));
  const dead = new Map(named.map(({ name }) => [toHex(name), name]));
  for (const name of needed) dead.delete(name);
  return [...dead.values()];

  async function isDead(object: NamedObject): Promise<boolean> {
    const row = rows.get(object.seq);
    if (row === undefined) return false;
    if (object.role === 'snapshot') return gone.has(object.seq) || row.state === 'gone';
    return object.role === 'index' && (await isDeadIndex(object, row));
  }

  async function isDeadIndex({ supersededAt }: NamedObject, row: CommitRow): Promise<boolean> {
    if (supersededAt > 0 && supersededAt <= supersededBefore) return true;
    if (going.purge.length === 0) return false;
    let dead = deadIndexes.get(row.seq);
    if (dead === undefined) {
      dead = await hasNoPackLeft(transaction, row, going.purge);
      deadIndexes.set(row.seq, dead);
    }
    return dead;
  }
}

/** Index objects of a commit die together, when all packs that they list together are gone. */
async function hasNoPackLeft({ chain, packs }: VaultTransaction, row: CommitRow, purge: PackIdList): Promise<boolean> {
  const record = await chain.readRecord(row.seq, row.hash);
  for (let i = 0; i < packIdCount(record.packs); i++) {
    const id = packIdAt(record.packs, i);
    const state = (await packs.get(id))?.state;
    if (state !== undefined && state !== 'purging' && !containsPackId(purge, id)) return false;
  }
  return true;
}
