/** A repository folder opened for mending: without a clock, a signer or the promise that its marker is in order. */
import { join } from 'node:path';
import { FolderBackend } from '@keephold/backend';
import type { AccountId, VaultId } from '@keephold/protocol';
import { AccountRecords } from '../account/account-records.ts';
import { LEDGER } from '../layout.ts';
import { Ledger } from '../ledger/ledger.ts';
import { accountOfFolder, remakeMarker } from './remake-marker.ts';

export interface FolderSide {
  readonly path: string;
  readonly backend: FolderBackend;
  readonly account: AccountRecords;
  readonly ledger: Ledger;
  readonly markerRemade: boolean;
}

/** To be mended: its marker is put right. */
export async function openSide(path: string): Promise<FolderSide> {
  const backend = new FolderBackend({ path });
  const marked = await accountOfFolder(backend);
  return sideOf(path, { backend, accountId: marked.account, markerRemade: await remakeMarker(backend, marked) });
}

/** To be read from: nothing in it is changed. */
export async function openCopy(path: string): Promise<Omit<FolderSide, 'ledger'>> {
  const backend = new FolderBackend({ path });
  return sideOf(path, { backend, accountId: (await accountOfFolder(backend)).account, markerRemade: false });
}

interface SideParts {
  readonly backend: FolderBackend;
  readonly accountId: AccountId;
  readonly markerRemade: boolean;
}

function sideOf(path: string, { backend, accountId, markerRemade }: SideParts): FolderSide {
  const account = new AccountRecords(backend, accountId);
  return { path, backend, account, ledger: new Ledger({ path: join(path, LEDGER), backend, account }), markerRemade };
}

export async function vaultsOf({ account }: Pick<FolderSide, 'account'>): Promise<readonly VaultId[]> {
  return [...(await account.keychainState()).vaults.values()].map(({ vaultId }) => vaultId);
}
