/** Before a computer is added to an account: it must not be in it already. */
import { DeviceFaultError, openDevice } from '@keephold/vault';
import type { Context } from '../context.ts';
import { DeviceStore } from './device-store.ts';
import { openServer } from './server-custody.ts';
import { ServerFile } from './server-file.ts';
import { signedInAlready } from './server-sign-up.ts';

/**
 * A device that is still good is not given up: its keys would stay in the keychain for nothing.
 * @throws CommandError
 */
export async function requireNotSignedIn({ environment }: Context, origin: string): Promise<void> {
  const file = new ServerFile(environment, origin);
  const account = file.load();
  const state = account && new DeviceStore(environment, account.accountId).load();
  if (state === undefined) return;
  await using custody = await openServer(environment, origin);
  try {
    await openDevice(custody, state);
  } catch (error) {
    // Keys of an old epoch are renewed by whatever runs next.
    const isGood = error instanceof DeviceFaultError && error.code === 'grant-stale';
    if (!isGood && (isRefused(error) || error instanceof DeviceFaultError)) return;
    if (!isGood) throw error;
  }
  throw signedInAlready(origin, file.path);
}

/** A revoked device does not even get a session. */
function isRefused(error: unknown): boolean {
  return error instanceof Error && (error as { readonly problem?: unknown }).problem === 'unauthenticated';
}
