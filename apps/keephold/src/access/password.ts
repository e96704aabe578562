/**
 * Where the password comes from, in this order: --password-file, KEEPHOLD_PASSWORD_FILE, KEEPHOLD_PASSWORD, a question on
 * the terminal. Never from the argument list. It must not appear in any message.
 */
import { readFileSync, statSync } from 'node:fs';
import type { Context } from '../context.ts';
import { CommandError, exitCodes, UsageError } from '../errors.ts';
import { weaknessOf } from './password-strength.ts';
import { wordsInText } from './words-text.ts';

type Surroundings = Pick<Context, 'globals' | 'environment' | 'terminal' | 'out' | 'password'>;

/** The password without asking; undefined when none was given. */
export function givenPassword(context: Surroundings): string | undefined {
  const { globals, environment, out, password } = context;
  if (password !== undefined) return password;
  const file = globals['password-file'] ?? environment.passwordFile;
  if (file !== undefined) return readPasswordFile(file, context);
  if (environment.password === undefined) return undefined;
  if (out.liveWidth !== undefined) {
    out.warn('the password comes from the environment, where other programs of yours can read it; a file is safer');
  }
  return environment.password;
}

/** The password of something that exists; asks when none was given and somebody can answer. */
export async function existingPassword(context: Surroundings, question = 'password: '): Promise<string> {
  const given = givenPassword(context);
  if (given !== undefined) return given;
  if (!context.terminal.canAsk) throw noPassword();
  const answer = await context.terminal.askSecret(question);
  if (answer === '') throw new UsageError('no password was typed');
  return answer;
}

/** A password for something new: strong enough, and typed twice when it is typed. */
export async function newPassword(context: Surroundings, question = 'new password: '): Promise<string> {
  const given = givenPassword(context);
  if (given !== undefined) return requireStrong(given);
  if (!context.terminal.canAsk) throw noPassword();
  return typeNewPassword(context, question);
}

/** A new password typed twice; weak ones are asked for again. */
export async function typeNewPassword({ terminal, out }: Surroundings, question: string): Promise<string> {
  for (;;) {
    const typed = await terminal.askSecret(question);
    const weakness = weaknessOf(typed);
    if (weakness !== undefined) {
      out.error(`that password is too weak: ${weakness}`);
      continue;
    }
    if ((await terminal.askSecret('the same again: ')) === typed) return typed;
    out.error('the two are not the same');
  }
}

export function requireStrong(password: string): string {
  const weakness = weaknessOf(password);
  if (weakness === undefined) return password;
  throw new CommandError(`the password is too weak: ${weakness}`, {
    code: 'weak-password',
    exitCode: exitCodes.usage,
    hint: 'four or five words picked at random make a good one',
  });
}

const maxPasswordFile = 4096;

/** The first line of the file, which may be a pipe (/dev/fd/3); or the 24 words, where the file is one of them. */
export function readPasswordFile(file: string, { out }: Pick<Context, 'out'>): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(`the password file ${file} cannot be read: ${(error as Error).message}`, {
      code: 'password-file',
      exitCode: exitCodes.usage,
      cause: undefined,
    });
  }
  if (text.length > maxPasswordFile) throw new UsageError(`${file} is too long to be a password file`);
  const password = wordsInText(text) ?? text.split(/\r?\n/, 1)[0] ?? '';
  if (password === '') throw new UsageError(`the first line of the password file ${file} is empty`);
  if (process.platform !== 'win32' && readableByOthers(file)) {
    out.note(`warning: other users can read the password file ${file}; chmod 600 keeps it to you`);
  }
  return password;
}

function readableByOthers(file: string): boolean {
  const stat = statSync(file);
  return stat.isFile() && (stat.mode & 0o044) !== 0;
}

function noPassword(): UsageError {
  return new UsageError(
    'a password is needed, and there is no terminal to ask on',
    'use --password-file FILE, KEEPHOLD_PASSWORD_FILE or KEEPHOLD_PASSWORD',
  );
}
