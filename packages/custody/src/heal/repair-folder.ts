/** Makes again what can be made from the rest of a repository folder, without keys: damaged files, marker and ledger. */
import { FolderBackend } from '@keephold/backend';
import { type PackId, type PackIdList, packIdCount, sortPackIds, type VaultId } from '@keephold/protocol';
import { asCustodyError } from '../custody-failure.ts';
import { MARKER, packsFolder } from '../layout.ts';
import { encodeMarker } from '../marker.ts';
import { completeParity, type MendReport, mendFromParity, restateParity } from '../parity/mend-folder.ts';
import { orphansAmong } from '../parity/orphan-parity.ts';
import { hashInName, isPackName } from '../parity/parity-names.ts';
import { type FolderSide, openSide, vaultsOf } from './folder-side.ts';
import { setAsideDamaged } from './lost-packs.ts';

export interface RepairReport {
  readonly markerRemade: boolean;
  readonly commits: number;
  readonly packs: number;
  /** Packs that snapshots need and that are gone or damaged. */
  readonly lostPacks: number;
  /** Parity blocks that packs get for 100 data blocks; undefined: the repository keeps no parity. */
  readonly parity: number | undefined;
  readonly mending: MendReport;
}

export interface RepairOptions {
  /** From now on packs get so much parity, 1–100 blocks for 100; those without get it now. */
  readonly addParity?: number | undefined;
  readonly signal?: AbortSignal;
}

/** @throws CustodyError 'damaged' when the keychain is; 'no-repository' */
export async function repairRepositoryFolder(path: string, options: RepairOptions = {}): Promise<RepairReport> {
  const { addParity, signal } = options;
  try {
    const folder = new FolderBackend({ path });
    // First: what follows reads the keychain.
    const mended = await mendFromParity({ backend: folder, signal });
    const side = await openSide(path);
    const parity = addParity ?? side.marker.parity;
    if (parity !== side.marker.parity) await folder.put(MARKER, encodeMarker({ ...side.marker, parity }));
    if (addParity !== undefined) await restateParity({ backend: folder, signal }, addParity);
    const made = parity === undefined ? undefined : await completeParity({ backend: folder, signal }, parity);
    const mending = made === undefined ? mended : sumOf(mended, made);
    try {
      return { markerRemade: side.markerRemade, ...(await rebuildLedger(side, mending)), parity };
    } finally {
      await side.ledger.close();
    }
  } catch (error) {
    throw asCustodyError(error);
  }
}

async function rebuildLedger(
  side: FolderSide,
  mending: MendReport,
): Promise<Omit<RepairReport, 'markerRemade' | 'parity'>> {
  let [commits, packs, lostPacks] = [0, 0, 0];
  const beyond = new Set(mending.beyond);
  for (const vault of await vaultsOf(side)) {
    await side.ledger.rebuild(vault);
    // Missing from now on, so that the next backup stores again what they held.
    await setAsideDamaged({ backend: side.folder, ledger: side.ledger }, vault, packsOf(vault, mending.beyond));
    await side.ledger.read(vault, async (transaction) => {
      commits += (await transaction.ledger.commits()).length;
      packs += packIdCount(await transaction.packs.ids((state) => state !== 'lost'));
      lostPacks += packIdCount(await transaction.packs.ids((state) => state === 'lost'));
      for (const name of await orphansAmong(side.folder, transaction, beyond)) beyond.delete(name);
    });
  }
  return { commits, packs, lostPacks, mending: { ...mending, beyond: [...beyond] } };
}

/** Those of the files that are packs of the vault. */
function packsOf(vault: VaultId, names: readonly string[]): PackIdList {
  const own = names.filter((name) => name.startsWith(`${packsFolder(vault)}/`) && isPackName(name));
  return sortPackIds(own.map((name) => hashInName(name) as PackId));
}

function sumOf(a: MendReport, b: MendReport): MendReport {
  return {
    mended: a.mended + b.mended,
    mendedBytes: a.mendedBytes + b.mendedBytes,
    parityMade: a.parityMade + b.parityMade,
    beyond: [...new Set([...a.beyond, ...b.beyond])],
  };
}
