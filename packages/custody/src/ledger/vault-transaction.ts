/** What code that changes a vault's ledger works with, inside one transaction. */
import type { VaultId } from '@keephold/protocol';
import type { ChainStore } from '../chain/chain-store.ts';
import { type CommitLookup, type RecentRefsets, RefsetStore } from '../chain/refset-store.ts';
import type { KeeperClock } from '../clock.ts';
import { isKeptState } from '../snapshot-state.ts';
import { PackTable } from './pack-table.ts';
import type { Sql } from './sql.ts';
import { type CommitRow, VaultLedger, type VaultRow } from './vault-ledger.ts';
import { VaultSize } from './vault-size.ts';

export interface VaultTransaction {
  readonly vault: VaultId;
  readonly ledger: VaultLedger;
  readonly packs: PackTable;
  readonly size: VaultSize;
  readonly refsets: RefsetStore;
  readonly chain: ChainStore;
}

export interface VaultFiles {
  readonly vault: VaultId;
  /** What stands for it in the ledger. */
  readonly key: Uint8Array;
  readonly chain: ChainStore;
  readonly recent: RecentRefsets;
}

export function beginVault(sql: Sql, { vault, key, chain, recent }: VaultFiles): VaultTransaction {
  const ledger = new VaultLedger(sql, key);
  const lookup: CommitLookup = async (seq) => {
    const row = await ledger.commit(seq);
    const hasRefset = row?.refsetDigest !== undefined || row?.kind === 'lost';
    return hasRefset ? { hash: row.hash, digest: row.refsetDigest } : undefined;
  };
  const refsets = new RefsetStore(chain, lookup, recent);
  return { vault, ledger, packs: new PackTable(sql, key), size: new VaultSize(sql, key), refsets, chain };
}

/** Writes what was changed of packs. */
export async function savePacks({ packs, size }: VaultTransaction): Promise<void> {
  await size.addPacks(await packs.save(), packs);
}

/** The head; only for vaults that the ledger knows, which is checked before work begins. */
export async function vaultRow(transaction: VaultTransaction): Promise<VaultRow> {
  const row = await transaction.ledger.vault();
  if (row === undefined) throw new Error('use ledger: the vault was not prepared');
  return row;
}

/** The time that decides, unix milliseconds: never falls within a vault, whatever the clocks of its writers say. */
export async function ledgerTime(clock: KeeperClock, transaction: VaultTransaction): Promise<number> {
  return Math.max((await vaultRow(transaction)).time, Math.floor(clock.now()));
}

/** Whether the refset of this commit is being kept: its snapshot is active or in the trash. */
export async function isKept(transaction: VaultTransaction, row: CommitRow | undefined): Promise<boolean> {
  if (row === undefined) return false;
  if (row.kind === 'heal') return await isKept(transaction, await transaction.ledger.commit(row.parentSeq));
  return isKeptState(row.state);
}
