/**
 * Whether the files that are to have parity have it, whether all parity is of something, and with `readsAll` whether both
 * are what they were. No key is needed.
 */
import type { Backend } from '@keephold/backend';
import { equalBytes, toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { type AuditFinding, MalformedRecordError, packIdAt, packIdCount, type VaultId } from '@keephold/protocol';
import { chainFolder, objectsFolder, packName, refsetsFolder } from '../layout.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { orphansAmong } from './orphan-parity.ts';
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
  const names = await namesBelow(backend, PARITY);
  for (const name of await protectedFiles({ backend, ledger }, vault)) {
    if (percentFor(name, 1) === undefined || names.has(parityName(name))) continue;
    found.push({ kind: 'unprotected', place: name, what: 'it has no parity yet' });
  }
  const strays = await straysAmong({ backend, ledger }, vault, names);
  found.push(...strays);
  if (!readsAll) return found;
  for (const { place } of strays) names.delete(place);
  for (const name of names) if (isOf(vault, name)) found.push(...(await damage(backend, name)));
  return found;
}

async function namesBelow(backend: Backend, folder: string): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const { name } of backend.list(folder)) names.add(name);
  return names;
}

/** Of packs the live ones: others wait for their commit, or go. */
async function protectedFiles({ backend, ledger }: Parts, vault: VaultId): Promise<readonly string[]> {
  const names: string[] = [];
  for (const folder of ['account', chainFolder(vault), refsetsFolder(vault), objectsFolder(vault)])
    names.push(...(await namesBelow(backend, folder)));
  const live = await ledger.read(vault, async ({ packs }) => await packs.ids((state) => state === 'live'));
  for (let i = 0; i < packIdCount(live); i++) names.push(packName(vault, packIdAt(live, i)));
  return names;
}

/** Of the account, and of this vault. */
function isOf(vault: VaultId, parity: string): boolean {
  return [`${PARITY}/account/`, `${PARITY}/vaults/${toHex(vault)}/`].some((folder) => parity.startsWith(folder));
}

async function straysAmong(
  { backend, ledger }: Parts,
  vault: VaultId,
  names: ReadonlySet<string>,
): Promise<readonly AuditFinding[]> {
  const kind = 'stray';
  const foreign = [...names].filter((place) => percentFor(protectedName(place), 1) === undefined);
  const found: AuditFinding[] = foreign.map((place) => ({ kind, place, what: 'it is parity of nothing' }));
  const gone = await ledger.read(
    vault,
    async (transaction) => await orphansAmong(backend, transaction, [...names].map(protectedName)),
  );
  const what = 'what it is for is gone; keephold gc removes it';
  found.push(...gone.map((name) => ({ kind, place: parityName(name), what }) as const));
  return found;
}

async function damage(backend: Backend, place: string): Promise<readonly AuditFinding[]> {
  const kind = 'damage';
  const name = protectedName(place);
  const stored = await backend.get(place);
  if (stored === undefined) return [];
  try {
    const parity = readParityFile(stored, name);
    const hash = hashInName(name) ?? parity.head.fileHash;
    const isWhole = isWholeParity(stored, parity) && equalBytes(hash, parity.head.fileHash);
    if (!isWhole) return [{ kind, place, what: 'this parity is damaged; keephold repair makes it again' }];
    // Whoever reads the data reads the packs.
    if (isPackName(name)) return [];
    const bytes = await backend.get(name);
    if (bytes !== undefined && equalBytes(sha256(bytes), hash)) return [];
    const how = bytes === undefined ? 'missing' : 'damaged';
    return [{ kind, place: name, what: `it is ${how}; keephold repair mends it` }];
  } catch (error) {
    if (!(error instanceof MalformedRecordError)) throw error;
    return [{ kind, place, what: `${error.message}; keephold repair makes it again` }];
  }
}
