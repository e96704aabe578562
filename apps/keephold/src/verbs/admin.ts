/** `keephold admin`: for who runs a server: inviting people, and who uses how much. */
import { inviteTo, type ServerUser, usersOf } from '@keephold/client';
import { repositoryPlace } from '../access/repository-folder.ts';
import { ServerCustody } from '../access/server-custody.ts';
import { requireOwner } from '../access/unlock.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { integerOr } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { printable } from '../terminal/printable.ts';
import { formatTable } from '../terminal/text-table.ts';
import { counted, formatBytes, formatClock } from '../terminal/units.ts';

const DEFAULT_DAYS = 7;

export const admin: Command = defineCommand({
  name: 'admin',
  operands: { usage: 'invite | users | usage', min: 1, max: 1 },
  description: [
    'For the admin of a server, who is whoever used the invitation of its first start. Each of these needs his password.',
    'invite makes an invitation, good for one account. users lists the accounts with what is kept for each; usage adds it up. An admin sees names of accounts, counts, sizes and times, and nothing of what anybody backs up.',
  ],
  options: {
    days: integerOr({ value: 'N', min: 1, max: 365, initial: DEFAULT_DAYS, help: 'with invite: good for N days (7)' }),
  },
  examples: [
    { command: 'keephold admin invite --repo https://backup.example.org', says: 'for somebody else' },
    { command: 'keephold admin users', says: 'who is there, and when each backed up last' },
  ],
  async run(context, { operands, options }) {
    const [action = ''] = operands;
    if (!['invite', 'users', 'usage'].includes(action)) {
      throw new UsageError(`admin cannot "${action}"`, 'keephold admin --help shows what it can');
    }
    await using custody = await context.openRepository(repositoryPlace(context));
    if (!(custody instanceof ServerCustody)) throw new UsageError('a folder has no admin', 'name a server: --repo URL');
    await requireOwner(context, custody, 'administering a server needs the password');
    if (action === 'invite') await invite(context, custody, options.days);
    else if (action === 'users') await tellUsers(context, await usersOf(custody.transport));
    else await tellUsage(context, await usersOf(custody.transport));
    return exitCodes.done;
  },
});

async function invite({ out }: Context, { transport, origin }: ServerCustody, days: number): Promise<void> {
  const { code, expiresAt } = await inviteTo(transport, days);
  const until = formatClock(expiresAt);
  const says = `good for one account until ${until}:\n  keephold init --repo ${origin} --invitation ${code} --account NAME`;
  await out.answer(says, { type: 'invitation', code, expiresAt: new Date(expiresAt).toISOString() });
}

async function tellUsers({ out }: Context, users: readonly ServerUser[]): Promise<void> {
  for (const { createdAt, lastBackup, ...user } of users) {
    await out.record({ type: 'user', ...user, createdAt: isoTime(createdAt), lastBackup: isoTime(lastBackup) });
  }
  const rows = users.map(({ name, devices, snapshots, bytes, lastBackup, isAdmin, isUnreadable }) => [
    printable(name),
    String(devices),
    String(snapshots),
    formatBytes(bytes),
    lastBackup === undefined ? 'never' : formatClock(lastBackup),
    isUnreadable === true ? 'cannot be read' : isAdmin ? 'admin' : '',
  ]);
  const headings = ['Name', 'Devices', 'Snapshots', 'Size', 'Last backup', ''];
  await out.result(formatTable({ headings, rows, right: ['Devices', 'Snapshots', 'Size'] }).trimEnd());
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
