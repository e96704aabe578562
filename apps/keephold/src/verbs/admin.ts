/** `keephold admin`: for who runs a server: inviting people, who uses how much, and who may use how much. */
import { inviteTo, type ServerUser, testNoticesOn, usersOf } from '@keephold/client';
import { repositoryPlace } from '../access/repository-folder.ts';
import { ServerCustody } from '../access/server-custody.ts';
import { requireOwner } from '../access/unlock.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { byteCount, flag, integerOr } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { tellInvitations, withdraw } from '../jobs/server-invitations.ts';
import { givePlan, setPlan, tellPlans } from '../jobs/server-plans.ts';
import { resume, suspend } from '../jobs/server-suspension.ts';
import { printable } from '../terminal/printable.ts';
import { formatTable } from '../terminal/text-table.ts';
import { counted, formatBytes, formatClock } from '../terminal/units.ts';

const DEFAULT_DAYS = 7;
const DEFAULT_GRACE_DAYS = 7;

export const admin: Command = defineCommand({
  name: 'admin',
  operands: {
    usage:
      'invite | invitations | withdraw ID | users | usage | suspend ACCOUNT | resume ACCOUNT | plans | plan NAME | give ACCOUNT PLAN | test-notices',
    min: 1,
    max: 3,
  },
  description: [
    'For the admin of a server, who is whoever used the invitation of its first start. Each of these needs his password.',
    'invite makes an invitation, good for one account. invitations lists those that nobody has used yet, and withdraw makes one worth nothing. users lists the accounts with what is kept for each; usage adds it up. An admin sees names of accounts, counts, sizes and times, and nothing of what anybody backs up.',
    'suspend signs an account out everywhere and takes nothing new from it: what is stored stays, its retention goes on, and its owner can sign in, read and restore. resume ends that. Its owner is told of both.',
    'plans lists how much accounts may have stored; plan makes one, or changes it for all who have it; give gives it to an account. The plan called free, 5 GB at first, is that of everybody who was given no other; admins have no limit unless they are given one. Beyond its size a plan takes a quarter more for the days of grace, then nothing new, and never deletes anything for that.',
    'test-notices sends a message by every way the server was started with: to your own address (keephold notify), --webhook and --ntfy. Its log says what became of it.',
  ],
  options: {
    size: byteCount({ value: 'SIZE', min: 1e6, max: 1e15, help: 'with plan: how much an account may have, as 50GB' }),
    unlimited: flag({ help: 'with plan: no limit' }),
    grace: integerOr({
      value: 'N',
      min: 0,
      max: 365,
      initial: DEFAULT_GRACE_DAYS,
      help: 'with plan: days for which more than that is taken (7)',
    }),
    days: integerOr({ value: 'N', min: 1, max: 365, initial: DEFAULT_DAYS, help: 'with invite: good for N days (7)' }),
  },
  examples: [
    { command: 'keephold admin invite --repo https://backup.example.org', says: 'for somebody else' },
    { command: 'keephold admin plan family --size 200GB', says: 'makes a plan' },
    { command: 'keephold admin give ann family', says: 'lets ann have that much' },
    { command: 'keephold admin suspend ann', says: 'ann stores nothing new until you resume her account' },
    { command: 'keephold admin users', says: 'who is there, and when each backed up last' },
  ],
  async run(context, { operands, options }) {
    const [action = '', ...words] = operands;
    const act = Object.hasOwn(acts, action) ? acts[action as keyof typeof acts] : undefined;
    if (act === undefined || words.length !== act.words) {
      throw new UsageError(`admin cannot "${operands.join(' ')}"`, 'keephold admin --help shows what it can');
    }
    await using custody = await context.openRepository(repositoryPlace(context));
    if (!(custody instanceof ServerCustody)) throw new UsageError('a folder has no admin', 'name a server: --repo URL');
    await requireOwner(context, custody, 'administering a server needs the password');
    await act.run(context, custody, { words, options });
    return exitCodes.done;
  },
});

interface Asked {
  readonly words: readonly string[];
  readonly options: {
    readonly days: number;
    readonly grace: number;
    readonly size: number | undefined;
    readonly unlimited: boolean;
  };
}

interface Act {
  /** How many words follow its name. */
  readonly words: number;
  readonly run: (context: Context, custody: ServerCustody, asked: Asked) => Promise<void>;
}

const acts = {
  invite: {
    words: 0,
    run: async (context, custody, { options }) => await invite(context, custody, options.days),
  },
  invitations: {
    words: 0,
    run: async (context, { transport }) => await tellInvitations(context, transport),
  },
  withdraw: {
    words: 1,
    run: async (context, { transport }, { words: [id = ''] }) => await withdraw(context, transport, id),
  },
  users: {
    words: 0,
    run: async (context, { transport }) => await tellUsers(context, await usersOf(transport)),
  },
  usage: {
    words: 0,
    run: async (context, { transport }) => await tellUsage(context, await usersOf(transport)),
  },
  suspend: {
    words: 1,
    run: async (context, { transport }, { words: [account = ''] }) => await suspend(context, transport, account),
  },
  resume: {
    words: 1,
    run: async (context, { transport }, { words: [account = ''] }) => await resume(context, transport, account),
  },
  plans: {
    words: 0,
    run: async (context, { transport }) => await tellPlans(context, transport),
  },
  plan: {
    words: 1,
    run: async (context, { transport }, { words: [name = ''], options: { size, unlimited, grace: graceDays } }) =>
      await setPlan(context, transport, { name, size, unlimited, graceDays }),
  },
  give: {
    words: 2,
    run: async (context, { transport }, { words: [account = '', plan = ''] }) =>
      await givePlan(context, transport, { account, plan }),
  },
  'test-notices': {
    words: 0,
    run: async ({ out }, { transport }) => {
      await testNoticesOn(transport);
      await out.answer('it is on its way; the log of the server says by which ways', { type: 'notices-tested' });
    },
  },
} as const satisfies Readonly<Record<string, Act>>;

async function invite({ out }: Context, { transport, origin }: ServerCustody, days: number): Promise<void> {
  const { code, expiresAt } = await inviteTo(transport, days);
  const until = formatClock(expiresAt);
  const says = `good for one account until ${until}:\n  keephold init --repo ${origin} --invitation ${code} --account NAME`;
  await out.answer(says, { type: 'invitation', code, expiresAt: new Date(expiresAt).toISOString() });
}

async function tellUsers({ out }: Context, users: readonly ServerUser[]): Promise<void> {
  for (const { createdAt, lastBackup, suspendedAt, ...user } of users) {
    const times = { createdAt: isoTime(createdAt), lastBackup: isoTime(lastBackup), suspendedAt: isoTime(suspendedAt) };
    await out.record({ type: 'user', ...user, ...times });
  }
  const rows = users.map(({ name, devices, snapshots, bytes, limit, lastBackup, ...user }) => [
    printable(name),
    String(devices),
    String(snapshots),
    formatBytes(bytes),
    limit === undefined ? '' : formatBytes(limit),
    lastBackup === undefined ? 'never' : formatClock(lastBackup),
    remarksOn(user),
  ]);
  const headings = ['Name', 'Devices', 'Snapshots', 'Size', 'Allowed', 'Last backup', ''];
  await out.result(formatTable({ headings, rows, right: ['Devices', 'Snapshots', 'Size', 'Allowed'] }).trimEnd());
}

function remarksOn({ isUnreadable, isAdmin, damaged, suspendedAt }: Partial<ServerUser>): string {
  const standing = isUnreadable === true ? ['cannot be read'] : isAdmin === true ? ['admin'] : [];
  const damage = damaged === undefined ? [] : [`${counted(damaged, 'file')} damaged`];
  const suspended = suspendedAt === undefined ? [] : ['suspended'];
  return [...standing, ...suspended, ...damage].join(', ');
}

async function tellUsage({ out }: Context, users: readonly ServerUser[]): Promise<void> {
  const sum = (of: (user: ServerUser) => number): number => users.reduce((total, user) => total + of(user), 0);
  const [bytes, devices, snapshots] = [sum((one) => one.bytes), sum((one) => one.devices), sum((one) => one.snapshots)];
  const says = `${counted(users.length, 'account')}, ${counted(devices, 'device')}, ${counted(snapshots, 'snapshot')}: ${formatBytes(bytes)}`;
  await out.answer(says, { type: 'usage', accounts: users.length, devices, snapshots, bytes });
}

function isoTime(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString();
}
