/** From what the user knows, the password or the 24 words, to an unlocked account. Nothing is written. */
import { type UnlockCustody, type Unlocked, unlockWithPassword, unlockWithWords, verifyWords } from '@keephold/vault';
import type { Context } from '../context.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { DAMAGED_WAY_IN, damagedWayIn } from './damaged-way-in.ts';
import { existingPassword, givenPassword } from './password.ts';
import { looksLikeWords } from './words-text.ts';

type Surroundings = Pick<Context, 'globals' | 'environment' | 'terminal' | 'out' | 'password'>;

/** A keeper that hands over what a secret opens only to who has shown the secret: a server. */
interface SigningIn {
  unlockWithSecret(secret: string): Promise<Unlocked>;
}

const tries = 3;

/** Asks again after a wrong password when somebody types it. */
export async function unlockAccount(context: Surroundings, custody: UnlockCustody): Promise<Unlocked> {
  const given = givenPassword(context);
  if (given !== undefined) return unlockWithSecret(custody, given);
  for (let left = tries; ; left--) {
    const typed = await existingPassword(context, 'password (or the 24 words): ');
    try {
      return await unlockWithSecret(custody, typed);
    } catch (error) {
      if (left <= 1 || !isWrongSecret(error)) throw error;
      context.out.error('that is not it; once more');
    }
  }
}

/**
 * Recovery words open what a password opens, wherever a password can be given.
 * @throws CommandError 'way-in-damaged' when it opens nothing and what it would open is damaged; else as the vault
 */
export async function unlockWithSecret(custody: UnlockCustody, secret: string): Promise<Unlocked> {
  try {
    return await openWith(custody, secret);
  } catch (error) {
    if (!isWrongSecret(error)) throw error;
    throw (await damagedWayIn(custody, looksLikeWords(secret) ? 'words' : 'local-password')) ?? error;
  }
}

async function openWith(custody: UnlockCustody, secret: string): Promise<Unlocked> {
  const { unlockWithSecret: own } = custody as Partial<SigningIn>;
  if (own !== undefined) return await own.call(custody, secret);
  if (!looksLikeWords(secret)) return unlockWithPassword(custody, secret);
  try {
    return await unlockWithWords(custody, secret);
  } catch (error) {
    // It might be a very long password; if not, what was wrong with the words tells more.
    return unlockWithPassword(custody, secret).catch(() => {
      throw error;
    });
  }
}

/** Shows that the words open the account. @throws InvalidWordsError, WrongPasswordError */
export async function proveWords(custody: UnlockCustody, words: string): Promise<void> {
  // On a server they are what signs in, too.
  if ('unlockWithSecret' in custody) await unlockWithSecret(custody, words);
  else await verifyWords(custody, words);
}

function isWrongSecret(error: unknown): boolean {
  const code = error instanceof Error ? (error as { readonly code?: unknown }).code : undefined;
  return (
    code === 'wrong-password' || code === DAMAGED_WAY_IN || (typeof code === 'string' && code.startsWith('words-'))
  );
}

/** For acts that need more than a device: the password is asked for even where the device could do without. */
export async function requireOwner(context: Surroundings, custody: UnlockCustody, why: string): Promise<Unlocked> {
  try {
    return await unlockAccount(context, custody);
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== exitCodes.usage) throw error;
    throw new CommandError(`${why}; ${error.message}`, {
      code: error.code,
      exitCode: error.exitCode,
      hint: error.hint,
    });
  }
}
