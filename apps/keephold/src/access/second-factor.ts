/**
 * Where the code of a second factor comes from: --code, KEEPHOLD_CODE, a question on the terminal. It is good once, so that
 * it may stand in the argument list; the password may not.
 */
import { type AskCode, looksLikeCode } from '@keephold/client';
import type { Context } from '../context.ts';
import { CommandError, exitCodes, UsageError } from '../errors.ts';

type Surroundings = Pick<Context, 'globals' | 'environment' | 'terminal' | 'out'>;

export function askForCode({ globals, environment, terminal, out }: Surroundings): AskCode {
  const given = globals.code ?? environment.code;
  return async ({ isAgain }) => {
    if (given !== undefined) return isAgain ? refuse() : requireCode(given);
    if (!terminal.canAsk) throw noCode();
    if (isAgain) out.error('that code is wrong, too old, or was used; once more');
    return await typeCode({ terminal, out }, 'code of the authenticator app (or a recovery code): ');
  };
}

/** Asks again for what cannot be a code: the server would count it. */
export async function typeCode(
  { terminal, out }: Pick<Context, 'terminal' | 'out'>,
  question: string,
): Promise<string> {
  for (;;) {
    const typed = await terminal.ask(question);
    if (looksLikeCode(typed)) return typed;
    if (typed === '') throw new UsageError('no code was typed');
    out.error('a code has six digits, a recovery code 20 digits and letters a to f');
  }
}

function requireCode(code: string): string {
  if (looksLikeCode(code)) return code;
  throw new UsageError('that is no code', 'a code has six digits, a recovery code 20 digits and letters a to f');
}

function refuse(): never {
  throw new CommandError('the code is wrong, too old, or was used', {
    code: 'factor-refused',
    exitCode: exitCodes.wrongKey,
    hint: 'each is good once: wait for the next one, or give a recovery code; the 24 words need none',
  });
}

function noCode(): UsageError {
  return new UsageError(
    'the account has a second factor: its code is needed, and there is no terminal to ask on',
    'use --code CODE or KEEPHOLD_CODE; the 24 words need none',
  );
}
