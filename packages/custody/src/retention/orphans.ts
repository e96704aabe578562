/**
 * Objects and keeper's records that no commit names: left by sessions that never committed. Their age protects those of
 * sessions that still may. Packs without a commit are the ledger's business (leases). Most files are looked at without
 * the ledger's lock; what looks like an orphan is looked at again under it, a few at a time.
 */
import type { Backend } from '@keephold/backend';
import { fromHex } from '@keephold/bytes';
import type { VaultId } from '@keephold/protocol';
import { objectName, objectsFolder, recordName, refsetsFolder } from '../layout.ts';
import { giveWay } from '../ledger/give-way.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';
import { LEASE } from '../pack-state.ts';

interface Keeper {
  readonly backend: Backend;
  readonly ledger: Ledger;
}

const DELETES_AT_ONCE = 16;

export async function removeOrphans(keeper: Keeper, vault: VaultId, now: number): Promise<void> {
  const before = now - LEASE;
  const named = await keeper.ledger.read(vault, namedFiles);
  const orphans: string[] = [];
  for (const folder of [objectsFolder(vault), refsetsFolder(vault)]) {
    for await (const { name, modifiedAt } of keeper.backend.list(folder)) {
      if (modifiedAt <= before && !named.has(name)) orphans.push(name);
    }
  }
  for (let at = 0; at < orphans.length; at += DELETES_AT_ONCE) {
    if (at > 0) await giveWay();
    await removeStillOrphaned(keeper, vault, { paths: orphans.slice(at, at + DELETES_AT_ONCE), before });
  }
}

/** The paths of everything that some commit names. */
async function namedFiles({ ledger, vault }: VaultTransaction): Promise<ReadonlySet<string>> {
  const objects = (await ledger.objects()).map(({ name }) => objectName(vault, name));
  const records = (await ledger.commits()).map(({ seq, hash }) => recordName(vault, seq, hash));
  return new Set([...objects, ...records]);
}

/** Under the lock: a commit that names one of these is either in the ledger already or finds it gone and is refused. */
async function removeStillOrphaned(
  { backend, ledger }: Keeper,
  vault: VaultId,
  { paths, before }: { readonly paths: readonly string[]; readonly before: number },
): Promise<void> {
  await ledger.write(vault, async (transaction) => {
    for (const path of paths) {
      if (await isNamed(transaction, path)) continue;
      // A writer that is about to name it has touched it.
      const found = await backend.stat(path);
      if (found !== undefined && found.modifiedAt <= before) await backend.delete(path);
    }
  });
}

async function isNamed({ ledger, vault }: VaultTransaction, path: string): Promise<boolean> {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (path.startsWith(`${objectsFolder(vault)}/`)) {
    return /^[0-9a-f]{64}$/.test(name) && (await ledger.isNamed(fromHex(name)));
  }
  const row = await ledger.commit(Number.parseInt(name, 10) || 0);
  return row !== undefined && path === recordName(vault, row.seq, row.hash);
}
