/** Writes keychain entries back that are damaged or missing in a folder, from what a machine has seen of them. */
import { FolderBackend } from '@keephold/backend';
import { asCustodyError } from '../custody-failure.ts';
import { KEYCHAIN } from '../layout.ts';
import { healKeychain } from './heal-records.ts';

/**
 * `entries` from genesis on; each is proven by its signature, and by what follows it, before it is written. The log gets
 * no longer by it: a folder that was put back from an older copy keeps the ways in that its own end names. Answers how
 * many entries were written.
 * @throws CustodyError 'refused' when the folder has another history.
 */
export async function mendKeychain(path: string, entries: readonly Uint8Array[]): Promise<number> {
  try {
    const backend = new FolderBackend({ path });
    let last = -1;
    for await (const { name } of backend.list(KEYCHAIN)) last = Math.max(last, Number(name.slice(KEYCHAIN.length + 1)));
    return await healKeychain({ backend }, entries.slice(0, last + 1));
  } catch (error) {
    throw asCustodyError(error);
  }
}
