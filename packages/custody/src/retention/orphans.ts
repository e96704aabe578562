/**
 * Objects and keeper's records that no commit names: left by sessions that never committed; and packs set aside. Their age protects those of
 * sessions that still may. Packs without a commit are the ledger's business (leases).
 */
import type { Backend } from '@keephold/backend';
import { toHex } from '@keephold/bytes';
import { packIdAt, packIdCount, subtractPackIds, type VaultId } from '@keephold/protocol';
import { damagedPackName, objectsFolder, recordName, refsetsFolder } from '../layout.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';
import { LEASE } from '../pack-state.ts';
import { neededPacks } from './needed-packs.ts';

export async function removeOrphans(
  { backend, ledger }: { readonly backend: Backend; readonly ledger: Ledger },
  vault: VaultId,
  now: number,
): Promise<void> {
  // Under the lock: a commit that names one of these is either in the ledger already or finds it gone and is refused.
  await ledger.write(vault, async (transaction) => {
    const named = new Set((await transaction.ledger.objects()).map(({ name }) => toHex(name)));
    const isNamed = (path: string): boolean => named.has(path.slice(path.lastIndexOf('/') + 1));
    await removeOld(backend, { folder: objectsFolder(vault), keep: isNamed, before: now - LEASE });
    const records = await recordsOf(transaction);
    await removeOld(backend, { folder: refsetsFolder(vault), keep: (path) => records.has(path), before: now - LEASE });
    await removeUnneededDamaged(backend, transaction);
  });
}

/** Packs that were set aside, once no snapshot needs them; their rows go with them. */
async function removeUnneededDamaged(backend: Backend, transaction: VaultTransaction): Promise<void> {
  const { ledger, packs, vault } = transaction;
  const lost = await packs.ids((state) => state === 'lost');
  if (lost.length === 0) return;
  const rows = await ledger.commits();
  const kept = rows.filter(({ state }) => state === 'active' || state === 'trashed').map(({ seq }) => seq);
  const unneeded = subtractPackIds(lost, await neededPacks(transaction, rows, new Set(kept)));
  for (let i = 0; i < packIdCount(unneeded); i++) {
    await backend.delete(damagedPackName(vault, packIdAt(unneeded, i)));
    await packs.remove(packIdAt(unneeded, i));
  }
}

async function recordsOf({ ledger, vault }: VaultTransaction): Promise<ReadonlySet<string>> {
  return new Set((await ledger.commits()).map(({ seq, hash }) => recordName(vault, seq, hash)));
}

async function removeOld(
  backend: Backend,
  {
    folder,
    keep,
    before,
  }: { readonly folder: string; readonly keep: (path: string) => boolean; readonly before: number },
): Promise<void> {
  for await (const { name, modifiedAt } of backend.list(folder)) {
    if (modifiedAt <= before && !keep(name)) await backend.delete(name);
  }
}
