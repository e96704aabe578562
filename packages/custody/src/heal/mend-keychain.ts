/**
 * Writes keychain entries back that are damaged or missing in a folder, from what a machine has seen of them.
 *
 * A log that ends earlier than it did may be damage or an older copy of the folder. An older copy keeps the ways in that
 * its own end names: the log is made longer only where the folder has the newest commit that the machine has seen, and
 * every way in that the longer log names.
 */
import { FolderBackend } from '@keephold/backend';
import { equalBytes } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { activeSlots, type ChainPin, type VaultId } from '@keephold/protocol';
import { walkEntries } from '../account/keychain-copy.ts';
import { ChainStore, hashOfCommit } from '../chain/chain-store.ts';
import { asCustodyError } from '../custody-failure.ts';
import { KEYCHAIN, slotName } from '../layout.ts';
import { healKeychain } from './heal-records.ts';

export interface SeenAccount {
  /** From genesis on. */
  readonly entries: readonly Uint8Array[];
  /** The newest commit that this machine has seen; undefined when it has seen none. */
  readonly head: { readonly vaultId: VaultId; readonly pin: ChainPin } | undefined;
}

/**
 * Each entry is proven by its signature, and by what follows it, before it is written. Answers how many were.
 * @throws CustodyError 'refused' when the folder has another history.
 */
export async function mendKeychain(path: string, seen: SeenAccount): Promise<number> {
  try {
    const backend = new FolderBackend({ path });
    const length = (await lengthOf(backend)) + (await missingEnd(backend, seen));
    return await healKeychain({ backend }, seen.entries.slice(0, length));
  } catch (error) {
    throw asCustodyError(error);
  }
}

/** How many entries are gone from the end of the log in a folder that is no older copy. */
export async function missingKeychainEnd(path: string, seen: SeenAccount): Promise<number> {
  try {
    return await missingEnd(new FolderBackend({ path }), seen);
  } catch (error) {
    throw asCustodyError(error);
  }
}

async function missingEnd(backend: FolderBackend, seen: SeenAccount): Promise<number> {
  const missing = seen.entries.length - (await lengthOf(backend));
  return missing > 0 && (await isAsNew(backend, seen)) ? missing : 0;
}

async function lengthOf(backend: FolderBackend): Promise<number> {
  let last = -1;
  for await (const { name } of backend.list(KEYCHAIN)) last = Math.max(last, Number(name.slice(KEYCHAIN.length + 1)));
  return last + 1;
}

async function isAsNew(backend: FolderBackend, { entries, head }: SeenAccount): Promise<boolean> {
  const commit = head && (await new ChainStore(backend, head.vaultId).read(head.pin.seq));
  if (head === undefined || commit === undefined || !equalBytes(hashOfCommit(commit), head.pin.hash)) return false;
  const state = walkEntries(entries);
  if (state === undefined || state === 'broken') return false;
  for (const { slotId, recordHash } of activeSlots(state)) {
    const record = await backend.get(slotName(slotId));
    if (record === undefined || !equalBytes(sha256(record), recordHash)) return false;
  }
  return true;
}
