/**
 * Objects that nobody needs: of snapshots that are gone, and index objects that were superseded or of whose packs none
 * is left. Found without the lock: what is dead stays dead, because packs that are put again come with an index object
 * of their own.
 */
import { toHex } from '@keephold/bytes';
import { containsPackId, type ObjectName, type PackIdList, packIdAt, packIdCount } from '@keephold/protocol';
import type { CommitRow, NamedObject } from '../ledger/vault-ledger.ts';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';

export interface Deaths {
  /** All commits. */
  readonly rows: readonly CommitRow[];
  /** Snapshots whose object goes. */
  readonly gone: readonly number[];
  /** Packs that go, those that an earlier collection left included. */
  readonly purge: PackIdList;
  /** Index objects superseded before this time go, unix milliseconds. */
  readonly supersededBefore: number;
}

export async function deadObjects(transaction: VaultTransaction, deaths: Deaths): Promise<readonly ObjectName[]> {
  const { rows } = deaths;
  const named = await transaction.ledger.objects();
  const bySeq = new Map(rows.map((row) => [row.seq, row]));
  const gone = new Set(deaths.gone);
  const emptied = await commitsWithoutPacks(transaction, { named, bySeq, purge: deaths.purge });
  const isDead = (object: NamedObject): boolean => {
    const row = bySeq.get(object.seq);
    if (row === undefined) return false;
    if (object.role === 'snapshot') return row.state === 'gone' || gone.has(object.seq);
    return object.role === 'index' && (isSuperseded(object, deaths) || emptied.has(object.seq));
  };
  // Whoever names an object of another device must not decide when it goes: all who name it have to be done with it.
  const dead = new Map(named.map(({ name }) => [toHex(name), name]));
  for (const object of named) if (!isDead(object)) dead.delete(toHex(object.name));
  return [...dead.values()];
}

function isSuperseded({ supersededAt }: NamedObject, { supersededBefore }: Deaths): boolean {
  return supersededAt > 0 && supersededAt <= supersededBefore;
}

/**
 * Index objects of a commit die together, when all packs that they list together are gone. Which those are only the
 * keeper's record says: without it they stay.
 */
async function commitsWithoutPacks(
  transaction: VaultTransaction,
  going: {
    readonly named: readonly NamedObject[];
    readonly bySeq: ReadonlyMap<number, CommitRow>;
    readonly purge: PackIdList;
  },
): Promise<ReadonlySet<number>> {
  const { named, bySeq, purge } = going;
  const without = new Set<number>();
  // Otherwise none has died since somebody looked.
  if (purge.length === 0) return without;
  const seqs = new Set(named.filter(({ role }) => role === 'index').map(({ seq }) => seq));
  const rows = [...seqs].flatMap((seq) => bySeq.get(seq) ?? []);
  for await (const record of transaction.chain.readableRecords(rows)) {
    if (record !== undefined && (await hasNoPackLeft(transaction, record.packs, purge))) without.add(record.seq);
  }
  return without;
}

async function hasNoPackLeft({ packs }: VaultTransaction, list: PackIdList, purge: PackIdList): Promise<boolean> {
  for (let i = 0; i < packIdCount(list); i++) {
    const id = packIdAt(list, i);
    const state = (await packs.get(id))?.state;
    if (state !== undefined && state !== 'purging' && !containsPackId(purge, id)) return false;
  }
  return true;
}
