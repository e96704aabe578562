/** `keephold account`: an account on a server: who is signed in to it, and what signing in takes. */
import { repositoryPlace } from '../access/repository-folder.ts';
import { ServerCustody } from '../access/server-custody.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { addFactor, removeFactor, renewCodes, tellFactor } from '../jobs/account-factor.ts';
import { endAccountSessions, tellSessions } from '../jobs/account-sessions.ts';

export const account: Command = defineCommand({
  name: 'account',
  operands: {
    usage: 'sessions | end ID | end all | factor | factor add | factor codes | factor remove',
    min: 0,
    max: 2,
  },
  description: [
    'Shows who is signed in to an account on a server with the password or the 24 words, and what signing in takes.',
    'sessions lists who is: when, from where (the beginning of the address), and by what. A session is that of one command and stays in the list for 15 minutes, also when the command has ended; it can change the ways in and delete, so none that you do not know should be there. Computers that were added are not among them: keephold device lists and revokes those.',
    'end ends one at once, or all but your own; it needs the password. Whoever knows the password signs in again: keephold keys password changes it, and ends everything that was signed in.',
    'factor add makes the server ask for a code of an authenticator app (TOTP) wherever the password is given, and prints ten recovery codes that do once each in place of it. factor codes prints ten others, and those before are worth nothing then. factor remove ends that. The 24 words need no code and can remove it, so losing the device with the app loses nothing. Computers that were added go on without codes. The second factor keeps out who has learnt the password, as long as the server is honest; it encrypts nothing.',
  ],
  options: {},
  examples: [
    { command: 'keephold account sessions', says: 'who is signed in' },
    { command: 'keephold account end 3f9a', says: 'ends the one whose id begins so' },
    { command: 'keephold account end all', says: 'ends all of them but the one of this command' },
    { command: 'keephold account factor add', says: 'from now on the password needs a code' },
  ],
  async run(context, { operands }) {
    const act = actFor(operands);
    await using custody = await context.openRepository(repositoryPlace(context));
    if (!(custody instanceof ServerCustody))
      throw new UsageError('a folder has no account', 'name a server: --repo URL');
    await act(context, custody);
    return exitCodes.done;
  },
});

type Act = (context: Context, custody: ServerCustody) => Promise<void>;

const acts: Readonly<Record<string, Act>> = {
  sessions: tellSessions,
  factor: tellFactor,
  'factor add': addFactor,
  'factor codes': renewCodes,
  'factor remove': removeFactor,
};

function actFor(operands: readonly string[]): Act {
  const [action = 'sessions', what] = operands;
  if (action === 'end' && what !== undefined) {
    return async (context, custody) => await endAccountSessions(context, custody, what);
  }
  const name = what === undefined ? action : `${action} ${what}`;
  const act = Object.hasOwn(acts, name) ? acts[name] : undefined;
  if (act !== undefined) return act;
  throw new UsageError(`account cannot "${operands.join(' ')}"`, 'keephold account --help shows what it can');
}
