/** Makes again what can be made from the rest of a repository folder, without keys: damaged files, marker and ledger. */
import { FolderBackend } from '@keephold/backend';
import { packIdCount } from '@keephold/protocol';
import { asCustodyError } from '../custody-failure.ts';
import { MARKER } from '../layout.ts';
import { encodeMarker } from '../marker.ts';
import { completeParity, type MendReport, mendFromParity } from '../parity/mend-folder.ts';
import { openSide, vaultsOf } from './folder-side.ts';

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
    const made = parity === undefined ? undefined : await completeParity({ backend: folder, signal }, parity);
    let [commits, packs, lostPacks] = [0, 0, 0];
    try {
      for (const vault of await vaultsOf(side)) {
        await side.ledger.rebuild(vault);
        await side.ledger.read(vault, async (transaction) => {
          commits += (await transaction.ledger.commits()).length;
          packs += packIdCount(await transaction.packs.ids((state) => state !== 'lost'));
          lostPacks += packIdCount(await transaction.packs.ids((state) => state === 'lost'));
        });
      }
    } finally {
      await side.ledger.close();
    }
    const mending = made === undefined ? mended : sumOf(mended, made);
    return { markerRemade: side.markerRemade, commits, packs, lostPacks, parity, mending };
  } catch (error) {
    throw asCustodyError(error);
  }
}

function sumOf(a: MendReport, b: MendReport): MendReport {
  return {
    mended: a.mended + b.mended,
    mendedBytes: a.mendedBytes + b.mendedBytes,
    parityMade: a.parityMade + b.parityMade,
    beyond: [...new Set([...a.beyond, ...b.beyond])],
  };
}
