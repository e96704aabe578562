/** `keephold account`: an account on a server: who is signed in to it. */
import { repositoryPlace } from '../access/repository-folder.ts';
import { ServerCustody } from '../access/server-custody.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { endAccountSessions, tellSessions } from '../jobs/account-sessions.ts';

export const account: Command = defineCommand({
  name: 'account',
  operands: { usage: 'sessions | end ID | end all', min: 0, max: 2 },
  description: [
    'Shows who is signed in to an account on a server with the password or the 24 words, and ends it.',
    'sessions lists them: when, from where (the beginning of the address), and by what. A session lasts 15 minutes at most and is that of one command; it can change the ways in and delete, so none that you do not know should be there. Computers that were added are not among them: keephold device lists and revokes those.',
    'end ends one at once, or all but your own; it needs the password. Whoever knows the password signs in again: keephold keys password changes it, and ends everything that was signed in.',
  ],
  options: {},
  examples: [
    { command: 'keephold account sessions', says: 'who is signed in' },
    { command: 'keephold account end 3f9a', says: 'ends the one whose id begins so' },
    { command: 'keephold account end all', says: 'ends all of them but the one of this command' },
  ],
  async run(context, { operands }) {
    const [action = 'sessions', what] = operands;
    const act = Object.hasOwn(acts, action) ? acts[action as keyof typeof acts] : undefined;
    if (act === undefined || (what === undefined) !== (act === acts.sessions)) {
      throw new UsageError(`account cannot "${operands.join(' ')}"`, 'keephold account --help shows what it can');
    }
    await using custody = await context.openRepository(repositoryPlace(context));
    if (!(custody instanceof ServerCustody))
      throw new UsageError('a folder has no account', 'name a server: --repo URL');
    await act(context, custody, what ?? '');
    return exitCodes.done;
  },
});

type Act = (context: Context, custody: ServerCustody, what: string) => Promise<void>;

const acts = { sessions: tellSessions, end: endAccountSessions } as const satisfies Readonly<Record<string, Act>>;
