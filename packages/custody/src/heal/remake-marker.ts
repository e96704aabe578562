/** `keephold.format` made again: all it says stands in the first keychain entry too. */
import type { Backend } from '@keephold/backend';
import { type AccountId, ChainError, CustodyError, MalformedRecordError, startKeychain } from '@keephold/protocol';
import { verifier } from '../account/verifier.ts';
import { keychainEntryName, MARKER } from '../layout.ts';
import { encodeMarker, parseMarker } from '../marker.ts';

export interface MarkedAccount {
  readonly account: AccountId;
  readonly isMarked: boolean;
}

/**
 * The account of a repository folder by its marker, or by the first keychain entry where that is missing or damaged.
 * @throws CustodyError 'newer-version'; 'no-repository' when there is no account either; 'damaged'
 */
export async function accountOfFolder(backend: Pick<Backend, 'get'>): Promise<MarkedAccount> {
  const marker = await backend.get(MARKER);
  const known = marker === undefined ? undefined : accountOf(marker);
  if (known !== undefined) return { account: known, isMarked: true };
  const name = keychainEntryName(0);
  const genesis = await backend.get(name);
  if (genesis === undefined) throw new CustodyError('no-repository', `repair repository: ${name} is not there`);
  return { account: accountOfGenesis(name, genesis), isMarked: false };
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
export async function remakeMarker(backend: Backend, { account, isMarked }: MarkedAccount): Promise<boolean> {
  if (!isMarked) await backend.put(MARKER, encodeMarker(account));
  return !isMarked;
}

function accountOf(marker: Uint8Array): AccountId | undefined {
  try {
    return parseMarker(marker);
  } catch (error) {
    if (error instanceof CustodyError && error.code === 'damaged') return undefined;
    throw error;
  }
}
