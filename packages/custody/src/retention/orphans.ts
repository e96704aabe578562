/**
 * Objects and keeper's records that no commit names: left by sessions that never committed. Their age protects those of
 * sessions that still may. Packs without a commit are the ledger's business (leases).
 */
import type { Backend } from '@keephold/backend';
import { toHex } from '@keephold/bytes';
import type { VaultId } from '@keephold/protocol';
import { objectsFolder, recordName, refsetsFolder } from '../layout.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';
import { LEASE } from '../pack-state.ts';

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
  });
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
