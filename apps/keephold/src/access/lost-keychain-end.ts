/**
 * A keychain that ends earlier than this machine has seen it is a rollback, unless everything else in the folder is as
 * new as ever: then its newest entries were lost, and this machine has them.
 */
import { missingKeychainEnd, type SeenAccount } from '@keephold/custody';
import type { Context } from '../context.ts';
import { CommandError, exitCodes } from '../errors.ts';
import type { DeviceStore } from './device-store.ts';
import { isServer, repositoryPlace } from './repository-folder.ts';

/** Codes of what a log that ends too early, or is not there at all, looks like. */
const ENDS_EARLY = ['rollback', 'gap', 'keychain-damaged'];

/** Runs `work`; where it meets a log whose end was lost it says so, and what brings it back. */
export async function tellingLostEnd<T>(context: Context, store: DeviceStore, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !ENDS_EARLY.includes(String((error as { readonly code?: unknown }).code)))
      throw error;
    const missing = await lostEntries(context, store);
    if (missing === 0) throw error;
    const what =
      missing === 1 ? 'the newest entry of the keychain is' : `the newest ${missing} entries of the keychain are`;
    throw new CommandError(`${what} missing, and all else is as new as this machine has seen it`, {
      code: 'keychain-end-lost',
      exitCode: exitCodes.damaged,
      hint: 'keephold heal writes back what this machine has seen of it; no data is lost by that',
      cause: error,
    });
  }
}

async function lostEntries(context: Context, store: DeviceStore): Promise<number> {
  const place = repositoryPlace(context);
  return isServer(place) ? 0 : await missingKeychainEnd(place, seenAccount(store));
}

/** What this machine has kept of an account. */
export function seenAccount(store: DeviceStore): SeenAccount {
  const grant = store.load()?.grant;
  const pin = grant?.headPin;
  return { entries: store.keychain.load(), head: grant && pin && { vaultId: grant.vaultId, pin } };
}
