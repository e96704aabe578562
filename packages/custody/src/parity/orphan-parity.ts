/**
 * Parity whose pack or object is gone and that nobody will ask for: left where a process that did not know of parity
 * deleted the file, or was stopped. Parity of what is lost but needed stays: it may be all that is left of it.
 */
import type { Backend } from '@keephold/backend';
import { toHex } from '@keephold/bytes';
import type { PackId, VaultId } from '@keephold/protocol';
import { damagedPackName, VAULTS } from '../layout.ts';
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
      // Asked again under the lock.
      const batch = orphans.slice(at, at + DELETES_AT_ONCE);
      for (const name of await orphansAmong(backend, transaction, batch)) await backend.delete(parityName(name));
    });
  }
}

/** Those of the packs and objects that are gone and that nobody will ask for. */
export async function orphansAmong(
  backend: Pick<Backend, 'stat'>,
  transaction: VaultTransaction,
  names: Iterable<string>,
): Promise<readonly string[]> {
  const orphans: string[] = [];
  for (const name of names)
    if (hashInName(name) !== undefined && (await isOrphan(backend, transaction, name))) orphans.push(name);
  return orphans;
}

/** `name`: of a file whose name has its hash. Of grants it is not known who asks for them. */
async function isOrphan(
  backend: Pick<Backend, 'stat'>,
  { packs, ledger, vault }: VaultTransaction,
  name: string,
): Promise<boolean> {
  if (!name.startsWith(`${VAULTS}/${toHex(vault)}/`) || (await backend.stat(name)) !== undefined) return false;
  const hash = hashInName(name) as Uint8Array;
  if (!isPackName(name)) return !(await ledger.isNamed(hash));
  const id = hash as PackId;
  return (await packs.get(id)) === undefined && (await backend.stat(damagedPackName(vault, id))) === undefined;
}
