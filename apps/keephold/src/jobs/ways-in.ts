/**
 * Whether other devices could open the repository: they come through the keyring, and nothing but the password or the
 * words shows that it is sound. It is not asked for here, because a check runs by itself.
 */
import { type Custody, CustodyError } from '@keephold/protocol';
import { VaultError } from '@keephold/vault';
import { DAMAGED_WAY_IN } from '../access/damaged-way-in.ts';
import { givenPassword } from '../access/password.ts';
import { unlockWithSecret } from '../access/unlock.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../errors.ts';

/**
 * What is wrong with it; undefined when there was no secret to try.
 * @throws WrongPasswordError when the secret is wrong, InvalidWordsError
 */
export async function waysInProblems(context: Context, custody: Custody): Promise<readonly string[] | undefined> {
  const secret = givenPassword(context);
  if (secret === undefined) return undefined;
  try {
    await unlockWithSecret(custody, secret);
    return [];
  } catch (error) {
    // The keeper's own look names the file.
    if (error instanceof CommandError && error.code === DAMAGED_WAY_IN) return [];
    if (error instanceof VaultError && error.code === 'wrong-password') throw error;
    // A server that does not answer, or not now, says nothing of the keyring.
    if (error instanceof CustodyError && (error.code === 'unavailable' || error.code === 'no-permission')) throw error;
    if (!(error instanceof VaultError || error instanceof CustodyError)) throw error;
    return [`${error.message}: no other device can be given access`];
  }
}
