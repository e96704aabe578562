/**
 * Parity whose pack or object is gone and that nobody will ask for: left where a process that did not know of parity
 * deleted the file. Parity of what is lost but needed stays: it may be all that is left of it.
 */
import type { Backend } from '@keephold/backend';
import { toHex } from '@keephold/bytes';
import type { PackId, VaultId } from '@keephold/protocol';
import { damagedPackName } from '../layout.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';
import { hashInName, isPackName, PARITY, parityName, protectedName } from './parity-names.ts';

interface Keeper {
  readonly backend: Backend;
  readonly ledger: Ledger;
}

const DELETES_AT_ONCE = 32;

export async function removeOrphanParity({ backend, ledger }: Keeper, vault: VaultId): Promise<void> {
  const orphans: string[] = [];
  for (const folder of ['packs', 'objects']) {
    for await (const { name: parity } of backend.list(`${PARITY}/vaults/${toHex(vault)}/${folder}`)) {
      const name = protectedName(parity);
      if (hashInName(name) !== undefined && (await backend.stat(name)) === undefined) orphans.push(name);
    }
  }
  for (let at = 0; at < orphans.length; at += DELETES_AT_ONCE) {
    await ledger.write(vault, async (transaction) => {
      for (const name of orphans.slice(at, at + DELETES_AT_ONCE)) {
        if (await isOrphan(backend, transaction, name)) await backend.delete(parityName(name));
      }
    });
  }
}

/** Asked again under the lock. */
async function isOrphan(backend: Backend, { packs, ledger, vault }: VaultTransaction, name: string): Promise<boolean> {
  if ((await backend.stat(name)) !== undefined) return false;
  const hash = hashInName(name) as Uint8Array;
  if (!isPackName(name)) return !(await ledger.isNamed(hash));
  const id = hash as PackId;
  return (await packs.get(id)) === undefined && (await backend.stat(damagedPackName(vault, id))) === undefined;
}
