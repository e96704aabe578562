/** Makes again what can be made from the rest of a repository folder, without keys: the marker and the ledger. */
import { packIdCount } from '@keephold/protocol';
import { asCustodyError } from '../custody-failure.ts';
import { openSide, vaultsOf } from './folder-side.ts';

export interface RepairReport {
  readonly markerRemade: boolean;
  readonly commits: number;
  readonly packs: number;
  /** Packs that snapshots need and that are gone or damaged. */
  readonly lostPacks: number;
}

/** @throws CustodyError 'damaged' when the keychain is; 'no-repository' */
export async function repairRepositoryFolder(path: string): Promise<RepairReport> {
  try {
    const side = await openSide(path);
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
    return { markerRemade: side.markerRemade, commits, packs, lostPacks };
  } catch (error) {
    throw asCustodyError(error);
  }
}
