/** `keephold.format` made again: all it says stands in the first keychain entry and in the parity files too. */
import type { Backend } from '@keephold/backend';
import { type AccountId, ChainError, CustodyError, MalformedRecordError, startKeychain } from '@keephold/protocol';
import { verifier } from '../account/verifier.ts';
import { keychainEntryName, MARKER } from '../layout.ts';
import { encodeMarker, type Marker, parseMarker } from '../marker.ts';
import { percentByParity } from '../parity/mend-folder.ts';

export interface FolderMarker {
  readonly marker: Marker;
  readonly isMarked: boolean;
}

/**
 * What the marker of a repository folder says, or would say where it is missing or damaged.
 * @throws CustodyError 'newer-version'; 'no-repository' when there is no account either; 'damaged'
 */
export async function markerOfFolder(backend: Pick<Backend, 'get' | 'list'>): Promise<FolderMarker> {
  const marker = await backend.get(MARKER);
  const known = marker === undefined ? undefined : parsed(marker);
  if (known !== undefined) return { marker: known, isMarked: true };
  const name = keychainEntryName(0);
  const genesis = await backend.get(name);
  if (genesis === undefined) throw new CustodyError('no-repository', `repair repository: ${name} is not there`);
  const account = accountOfGenesis(name, genesis);
  return { marker: { account, parity: await percentByParity(backend) }, isMarked: false };
}

function accountOfGenesis(name: string, genesis: Uint8Array): AccountId {
  try {
    return startKeychain(genesis, verifier).accountId;
  } catch (error) {
    if (!(error instanceof ChainError || error instanceof MalformedRecordError)) throw error;
    throw new CustodyError('damaged', `read ${name}: ${error.message}`, { cause: error });
  }
}

/** Answers whether the marker had to be written again. */
export async function remakeMarker(backend: Backend, { marker, isMarked }: FolderMarker): Promise<boolean> {
  if (!isMarked) await backend.put(MARKER, encodeMarker(marker));
  return !isMarked;
}

function parsed(marker: Uint8Array): Marker | undefined {
  try {
    return parseMarker(marker);
  } catch (error) {
    if (error instanceof CustodyError && error.code === 'damaged') return undefined;
    throw error;
  }
}
