/** Whether a sealed keyring is sound, found out with the password or the words where they were given. */
import type { Custody } from '@keephold/protocol';
import { AccountFaultError } from '@keephold/vault';
import type { Context } from '../context.ts';
import { givenPassword } from './password.ts';
import { unlockWithSecret } from './unlock.ts';

/**
 * Answers undefined when no password was given.
 * @throws WrongPasswordError
 */
export function keyringTest(context: Context, folder: string): (sealed: Uint8Array) => Promise<boolean | undefined> {
  return async (sealed) => {
    const secret = givenPassword(context);
    if (secret === undefined) return undefined;
    await using custody = await context.openRepository(folder);
    return await opens(custody, sealed, secret);
  };
}

async function opens(custody: Custody, sealed: Uint8Array, secret: string): Promise<boolean> {
  try {
    await unlockWithSecret(
      {
        accountId: async () => await custody.accountId(),
        keychain: async (from) => await custody.keychain(from),
        slots: async () => await custody.slots(),
        keyring: async () => sealed,
      },
      secret,
    );
    return true;
  } catch (error) {
    if (error instanceof AccountFaultError && error.code === 'keyring-damaged') return false;
    throw error;
  }
}
