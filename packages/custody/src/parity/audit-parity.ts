/** Whether the files that are to have parity have it, and with `readsAll` whether both are what they were. No key is needed. */
import type { Backend } from '@keephold/backend';
import { equalBytes, toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { type AuditFinding, MalformedRecordError, packIdAt, packIdCount, type VaultId } from '@keephold/protocol';
import { chainFolder, objectsFolder, packName, refsetsFolder } from '../layout.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { isWholeParity, readParityFile } from './parity-file.ts';
import { hashInName, isPackName, PARITY, parityName, percentFor, protectedName } from './parity-names.ts';

interface Parts {
  readonly backend: Backend;
  readonly ledger: Ledger;
}

export async function auditParity(
  { backend, ledger }: Parts,
  vault: VaultId,
  { readsAll }: { readonly readsAll: boolean },
): Promise<readonly AuditFinding[]> {
  const found: AuditFinding[] = [];
  for (const folder of ['account', chainFolder(vault), refsetsFolder(vault), objectsFolder(vault)]) {
    for await (const { name } of backend.list(folder)) found.push(...(await missing(backend, name)));
  }
  const live = await ledger.read(vault, async ({ packs }) => await packs.ids((state) => state === 'live'));
  for (let i = 0; i < packIdCount(live); i++)
    found.push(...(await missing(backend, packName(vault, packIdAt(live, i)))));
  if (!readsAll) return found;
  for (const folder of [`${PARITY}/account`, `${PARITY}/vaults/${toHex(vault)}`]) {
    for await (const { name } of backend.list(folder)) found.push(...(await damage(backend, name)));
  }
  return found;
}

async function missing(backend: Backend, name: string): Promise<readonly AuditFinding[]> {
  if (percentFor(name, 1) === undefined || (await backend.stat(parityName(name))) !== undefined) return [];
  return [{ place: name, what: 'it has no parity; keephold repair makes it' }];
}

async function damage(backend: Backend, place: string): Promise<readonly AuditFinding[]> {
  const name = protectedName(place);
  if (percentFor(name, 1) === undefined) return [];
  const stored = await backend.get(place);
  if (stored === undefined) return [];
  try {
    const parity = readParityFile(stored, name);
    const hash = hashInName(name) ?? parity.head.fileHash;
    const isWhole = isWholeParity(stored, parity) && equalBytes(hash, parity.head.fileHash);
    if (!isWhole) return [{ place, what: 'this parity is damaged; keephold repair makes it again' }];
    // Whoever reads the data reads the packs.
    if (isPackName(name)) return [];
    const bytes = await backend.get(name);
    if (bytes !== undefined && equalBytes(sha256(bytes), hash)) return [];
    return [{ place: name, what: `it is ${bytes === undefined ? 'missing' : 'damaged'}; keephold repair mends it` }];
  } catch (error) {
    if (!(error instanceof MalformedRecordError)) throw error;
    return [{ place, what: `${error.message}; keephold repair makes it again` }];
  }
}
