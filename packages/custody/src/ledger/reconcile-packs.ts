/** Compares the ledger with the packs that are really there. */
import type { Backend } from '@keephold/backend';
import { fromHex, toHex } from '@keephold/bytes';
import { PACK_HEADER_LENGTH, type PackId, SEALED_PAGE_LENGTH, type VaultId } from '@keephold/protocol';
import { packName, packsFolder } from '../layout.ts';
import { afterLook, type FoundPack, mustLookAgain } from '../pack-state.ts';
import type { PackTable } from './pack-table.ts';
import type { VaultTransaction } from './vault-transaction.ts';

/** Packs that were in the folder when somebody looked, by the hex of their ids. */
export type PackListing = ReadonlyMap<string, FoundPack>;

/** Reads the whole listing; files that are no packs are left alone: `check` reports them. */
export async function listPacks(backend: Backend, vault: VaultId): Promise<PackListing> {
  const listing = new Map<string, FoundPack>();
  for await (const { name, ...stat } of backend.list(packsFolder(vault))) {
    const hex = name.slice(name.lastIndexOf('/') + 1);
    const found = /^[0-9a-f]{64}$/.test(hex) ? foundPack(stat) : undefined;
    if (found !== undefined) listing.set(hex, found);
  }
  return listing;
}

/** One pack, as it is in the folder now. */
export async function findPack(backend: Backend, vault: VaultId, id: PackId): Promise<FoundPack | undefined> {
  const stat = await backend.stat(packName(vault, id));
  return stat === undefined ? undefined : foundPack(stat);
}

export interface ReconcileOptions {
  readonly listing: PackListing;
  /** Ledger time, unix milliseconds. */
  readonly now: number;
  /** Answers for the present, where `listing` may be of some time ago. */
  readonly lookAgain: (id: PackId) => Promise<FoundPack | undefined>;
}

/** Takes in packs that the ledger does not know and marks those that are gone. */
export async function reconcilePacks({ packs }: VaultTransaction, options: ReconcileOptions): Promise<void> {
  for (const id of await doubtful(packs, options)) {
    const found = await options.lookAgain(id);
    const before = await packs.get(id);
    const after = afterLook(before, found);
    if (after === undefined) await packs.remove(id);
    else if (after !== before) await packs.set(id, after);
  }
}

async function doubtful(packs: PackTable, { listing, now }: ReconcileOptions): Promise<readonly PackId[]> {
  const ids: PackId[] = [];
  const known = new Set<string>();
  for (const shard of await packs.all()) {
    for (const [id, entry] of shard.entries()) {
      const hex = toHex(id);
      known.add(hex);
      // The id is a view of the shard, which is about to change.
      if (mustLookAgain(entry, listing.get(hex), now)) ids.push(new Uint8Array(id) as Uint8Array as PackId);
    }
  }
  for (const hex of listing.keys()) if (!known.has(hex)) ids.push(fromHex(hex) as Uint8Array as PackId);
  return ids;
}

/** Undefined: no pack has that length. */
function foundPack(stat: { readonly size: number; readonly modifiedAt: number }): FoundPack | undefined {
  const pages = (stat.size - PACK_HEADER_LENGTH) / SEALED_PAGE_LENGTH;
  return Number.isInteger(pages) && pages >= 1 && pages <= 256 ? { pages, writtenAt: stat.modifiedAt } : undefined;
}
