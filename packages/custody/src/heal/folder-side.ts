/** A repository folder opened for mending: without a clock, a signer or the promise that its marker is in order. */
import { join } from 'node:path';
import { type Backend, FolderBackend } from '@keephold/backend';
import type { VaultId } from '@keephold/protocol';
import { AccountRecords } from '../account/account-records.ts';
import { LEDGER } from '../layout.ts';
import { FileLedger } from '../ledger/file-ledger.ts';
import { Ledger } from '../ledger/ledger.ts';
import type { Marker } from '../marker.ts';
import { withParity } from '../parity/parity-backend.ts';
import { directCoder } from '../parity/parity-coder.ts';
import { markerOfFolder, remakeMarker } from './remake-marker.ts';

export interface FolderSide {
  readonly path: string;
  /** Keeps parity where the repository has it. */
  readonly backend: Backend;
  /** The same without parity. */
  readonly folder: FolderBackend;
  readonly marker: Marker;
  readonly account: AccountRecords;
  readonly ledger: Ledger;
  readonly markerRemade: boolean;
}

/** To be mended: its marker is put right. */
export async function openSide(path: string): Promise<FolderSide> {
  const folder = new FolderBackend({ path });
  const marked = await markerOfFolder(folder);
  return sideOf(path, { folder, marker: marked.marker, markerRemade: await remakeMarker(folder, marked) });
}

/** To be read from: nothing in it is changed. */
export async function openCopy(path: string): Promise<Omit<FolderSide, 'ledger'>> {
  const folder = new FolderBackend({ path });
  return sideOf(path, { folder, marker: (await markerOfFolder(folder)).marker, markerRemade: false });
}

interface SideParts {
  readonly folder: FolderBackend;
  readonly marker: Marker;
  readonly markerRemade: boolean;
}

function sideOf(path: string, { folder, marker, markerRemade }: SideParts): FolderSide {
  const { parity } = marker;
  const backend = parity === undefined ? folder : withParity(folder, { percent: parity, coder: directCoder });
  const account = new AccountRecords(backend, marker.account);
  const ledger = new Ledger({ database: new FileLedger(join(path, LEDGER)), backend, account });
  return { path, backend, folder, marker, account, ledger, markerRemade };
}

export async function vaultsOf({ account }: Pick<FolderSide, 'account'>): Promise<readonly VaultId[]> {
  return [...(await account.keychainState()).vaults.values()].map(({ vaultId }) => vaultId);
}
