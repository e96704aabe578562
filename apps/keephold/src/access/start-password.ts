/**
 * The password for `start`, which must run without questions where nobody is there to answer: given, else typed on a
 * terminal, else made once and kept in a file only the user can read.
 */
import { join } from 'node:path';
import { entropyToWords, systemRandom } from '@keephold/crypto';
import type { Context } from '../context.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { existingPassword, givenPassword, newPassword } from './password.ts';
import { createPrivateFile, readPrivateFile } from './private-file.ts';

export interface StartPassword {
  readonly password: string;
  /** Where it is kept; undefined when only the user knows it. */
  readonly file: string | undefined;
}

/** Eight words of 2048 are 88 bits. */
const generatedWords = 8;

export async function startPassword(context: Context, isNew: boolean): Promise<StartPassword> {
  const given = givenPassword(context);
  if (given !== undefined) return { password: isNew ? await newPassword(context) : given, file: undefined };
  const file = join(context.environment.folders.data, 'password');
  const kept = readPrivateFile(file);
  if (kept !== undefined) return { password: new TextDecoder().decode(kept).trimEnd(), file };
  if (context.terminal.canAsk) {
    return { password: isNew ? await newPassword(context) : await existingPassword(context), file: undefined };
  }
  if (!isNew) return { password: await existingPassword(context), file: undefined };
  const words = await entropyToWords(systemRandom(32));
  const password = words.slice(0, generatedWords).join(' ');
  if (createPrivateFile(file, new TextEncoder().encode(`${password}\n`))) return { password, file };
  throw new CommandError(`another run has just made ${file}`, {
    code: 'refused',
    exitCode: exitCodes.failed,
    hint: 'run the same again',
  });
}
