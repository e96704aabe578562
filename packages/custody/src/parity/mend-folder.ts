/**
 * Mends a repository folder from its parity, without keys: rotten and shortened files are made again in place, each proven
 * by a hash before it takes the place of what was there; parity that is damaged or missing is made again from files that
 * are whole. Whatever was mended when it stops stays mended, and running it again goes on.
 */
import type { Backend } from '@keephold/backend';
import { equalBytes, fromHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { CustodyError, MalformedRecordError, type VaultId } from '@keephold/protocol';
import { damagedPackName, VAULTS } from '../layout.ts';
import { completeParityOf } from './complete-parity.ts';
import { directCoder } from './parity-coder.ts';
import { isWholeParity, makeParityFile, mendFile, type ParityFile, readParityFile } from './parity-file.ts';
import { hashInName, isPackName, PARITY, parityName, percentFor, protectedName } from './parity-names.ts';

export interface MendReport {
  /** Files that were made again. */
  readonly mended: number;
  readonly mendedBytes: number;
  /** Parity files that were missing or damaged and are there now. */
  readonly parityMade: number;
  /** Files that are damaged or gone beyond what their parity can make again. */
  readonly beyond: readonly string[];
}

type MutableReport = { -readonly [K in keyof MendReport]: MendReport[K] } & { beyond: string[] };

interface Mending {
  readonly backend: Backend;
  readonly signal: AbortSignal | undefined;
}

/** Every file that has parity. Nothing else of the folder need be readable. */
export async function mendFromParity({ backend, signal }: Mending): Promise<MendReport> {
  const report: MutableReport = { mended: 0, mendedBytes: 0, parityMade: 0, beyond: [] };
  for await (const { name: parity } of backend.list(PARITY)) {
    signal?.throwIfAborted();
    const name = protectedName(parity);
    if (percentFor(name, 1) !== undefined) await mendOne(backend, name, report);
  }
  return report;
}

/** Parity for what has none yet. Files that are rotten by their names get none. */
export async function completeParity({ backend, signal }: Mending, percent: number): Promise<MendReport> {
  const report: MutableReport = { mended: 0, mendedBytes: 0, parityMade: 0, beyond: [] };
  for (const folder of ['account', VAULTS]) {
    for await (const { name } of backend.list(folder)) {
      signal?.throwIfAborted();
      if (percentFor(name, percent) === undefined) continue;
      if ((await backend.stat(parityName(name))) !== undefined) continue;
      const outcome = await completeParityOf(name, { backend, percent, coder: directCoder });
      if (outcome === 'made') report.parityMade++;
      else if (outcome === 'rotten') report.beyond.push(name);
    }
  }
  return report;
}

/** So that the files that `percentByParity` looks at first say what packs get from now on. Their own parity stays the same. */
export async function restateParity({ backend, signal }: Mending, percent: number): Promise<void> {
  for await (const { name: parity } of backend.list(`${PARITY}/account`)) {
    signal?.throwIfAborted();
    const name = protectedName(parity);
    const before = await readParity(backend, name);
    if (before === undefined || before.head.percent === percent) continue;
    const bytes = await backend.get(name);
    if (bytes === undefined || !equalBytes(sha256(bytes), before.head.fileHash)) continue;
    await makeAgain(backend, { name, bytes, percent }, { mended: 0, mendedBytes: 0, parityMade: 0, beyond: [] });
  }
}

/**
 * What packs get by the first parity file that can be read: the marker that says so was lost. Those of account records
 * come first, and `restateParity` keeps them right; those of packs say what their pack got.
 */
export async function percentByParity(backend: Pick<Backend, 'get' | 'list'>): Promise<number | undefined> {
  for await (const { name } of backend.list(PARITY)) {
    const parity = await readParity(backend, protectedName(name));
    if (parity !== undefined) return parity.head.percent;
  }
  return undefined;
}

async function mendOne(backend: Backend, name: string, report: MutableReport): Promise<void> {
  const stored = await backend.get(parityName(name));
  if (stored === undefined) return;
  const parity = parityFor(name, stored);
  const bytes = await backend.get(name);
  if (parity === undefined) return await remakeParity(backend, { name, bytes }, report);
  const whole = await mended(backend, { name, bytes, parity }, report);
  if (whole === undefined || isWholeParity(stored, parity)) return;
  await makeAgain(backend, { name, bytes: whole, percent: parity.head.percent }, report);
}

/** The file as it is or as it could be made again; undefined when it could not. */
async function mended(
  backend: Backend,
  {
    name,
    bytes,
    parity,
  }: { readonly name: string; readonly bytes: Uint8Array | undefined; readonly parity: ParityFile },
  report: MutableReport,
): Promise<Uint8Array | undefined> {
  if (bytes !== undefined && equalBytes(sha256(bytes), parity.head.fileHash)) return bytes;
  const left = bytes ?? (await setAsideOf(backend, name)) ?? new Uint8Array(0);
  try {
    const whole = mendFile(name, left, parity);
    // It goes before its file does: gone meanwhile, it must not bring the file back.
    if ((await backend.stat(parityName(name))) === undefined) return undefined;
    await backend.put(name, whole);
    const aside = setAsideName(name);
    if (aside !== undefined) await backend.delete(aside);
    report.mended += 1;
    report.mendedBytes += whole.length;
    return whole;
  } catch (error) {
    if (!(error instanceof CustodyError) || error.code !== 'damaged') throw error;
    report.beyond.push(name);
    return undefined;
  }
}

/** The parity is of no use: the file must be whole by itself, as far as its name tells. */
async function remakeParity(
  backend: Backend,
  { name, bytes }: { readonly name: string; readonly bytes: Uint8Array | undefined },
  report: MutableReport,
): Promise<void> {
  if (bytes === undefined || !isItself(name, bytes)) report.beyond.push(name);
  else await makeAgain(backend, { name, bytes, percent: await percentByParity(backend) }, report);
}

async function makeAgain(
  backend: Backend,
  { name, bytes, percent }: { readonly name: string; readonly bytes: Uint8Array; readonly percent: number | undefined },
  report: MutableReport,
): Promise<void> {
  // No parity of the whole repository can be read: whoever completes it knows the setting.
  if (percent === undefined) return await backend.delete(parityName(name));
  const own = percentFor(name, percent) ?? percent;
  await backend.put(parityName(name), makeParityFile({ name, bytes, percent: own, packPercent: percent }));
  report.parityMade += 1;
}

/** Parity that can be read and is of this very file. */
function parityFor(name: string, stored: Uint8Array): ParityFile | undefined {
  try {
    const parity = readParityFile(stored, name);
    const hash = hashInName(name);
    return hash === undefined || equalBytes(hash, parity.head.fileHash) ? parity : undefined;
  } catch (error) {
    if (error instanceof MalformedRecordError) return undefined;
    throw error;
  }
}

async function readParity(backend: Pick<Backend, 'get'>, name: string): Promise<ParityFile | undefined> {
  const stored = await backend.get(parityName(name));
  return stored === undefined ? undefined : parityFor(name, stored);
}

function isItself(name: string, bytes: Uint8Array): boolean {
  const hash = hashInName(name);
  return hash === undefined || equalBytes(sha256(bytes), hash);
}

async function setAsideOf(backend: Backend, name: string): Promise<Uint8Array | undefined> {
  const aside = setAsideName(name);
  return aside === undefined ? undefined : await backend.get(aside);
}

/** Where a damaged pack was moved to. */
function setAsideName(name: string): string | undefined {
  if (!isPackName(name)) return undefined;
  const [, vault = '', , , id = ''] = name.split('/');
  return damagedPackName(fromHex(vault) as Uint8Array as VaultId, fromHex(id) as never);
}
