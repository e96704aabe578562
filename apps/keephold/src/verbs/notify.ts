/** `keephold notify`: where a server tells an owner of what happens to his account, and of what. */
import {
  confirmNotices,
  type NoticeChoice,
  type NoticeSettings,
  noticeChoices,
  noticesOf,
  setNotices,
} from '@keephold/client';
import { repositoryPlace } from '../access/repository-folder.ts';
import { ServerCustody } from '../access/server-custody.ts';
import { requireOwner } from '../access/unlock.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { integer, text } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { printable } from '../terminal/printable.ts';
import { formatTable } from '../terminal/text-table.ts';
import { counted } from '../terminal/units.ts';

const MEANINGS: Readonly<Record<NoticeChoice, string>> = {
  quiet: 'a device has not backed up for days, and when it does again',
  device: 'a device was added',
  access: 'the password, ways in or rights were changed, or the 24 words were used',
  deletion: 'a deletion was requested',
  quota: 'nearly full, or over the limit',
  damage: 'the server found damage in what it keeps',
  digest: 'how it stands, once a week',
};

export const notify: Command = defineCommand({
  name: 'notify',
  operands: { usage: '[show | mail ADDRESS | confirm CODE | off | set]', min: 0, max: 2 },
  description: [
    'Has a server tell you, by mail, what you would not see otherwise. It needs the password.',
    'mail names the address, which gets a code, and confirm takes it; off takes the address away. An address that is replaced or taken away is told so. Mail says when, how many and the beginning of the id of a device; no name of a device or file, for the server knows none.',
    'set says of what: --events with some of quiet, device, access, deletion, quota, damage and digest, or all, or none; --quiet-days after how many days without a backup a device is quiet, 3 unless said, 0 for never. You are told again a week later, and when it is back.',
    'A server sends mail when whoever runs it started it with --smtp.',
  ],
  options: {
    events: text({ value: 'LIST', help: 'with set: of what you are told, separated by commas; all or none' }),
    'quiet-days': integer({ value: 'N', min: 0, max: 365, help: 'with set: when a device is quiet' }),
  },
  examples: [
    { command: 'keephold notify mail ann@example.org', says: 'sends a code there' },
    { command: 'keephold notify confirm Zx3kP0aQ81bM', says: 'that was in it' },
    { command: 'keephold notify set --events quiet,device,deletion,damage --quiet-days 7', says: 'less mail' },
  ],
  async run(context, { operands, options }) {
    const act = actOf(operands, options);
    await using custody = await context.openRepository(repositoryPlace(context));
    if (!(custody instanceof ServerCustody)) {
      throw new UsageError('a folder tells nobody anything', 'name a server: --repo URL');
    }
    await requireOwner(context, custody, 'what you are told needs the password');
    await act(context, custody.transport);
    return exitCodes.done;
  },
});

type Transport = ServerCustody['transport'];
type Act = (context: Context, transport: Transport) => Promise<void>;

interface Options {
  readonly events: string | undefined;
  readonly 'quiet-days': number | undefined;
}

/** What is not understood is said before a password is asked for. */
function actOf([action = 'show', word]: readonly string[], options: Options): Act {
  const hasOptions = options.events !== undefined || options['quiet-days'] !== undefined;
  if (action === 'set' && word === undefined && hasOptions) return setting(options);
  if (hasOptions) throw new UsageError('--events and --quiet-days belong to notify set');
  if (action === 'show' && word === undefined) return show;
  if (action === 'mail' && word !== undefined) return addressing(word);
  if (action === 'confirm' && word !== undefined) return confirming(word);
  if (action === 'off' && word === undefined) return off;
  const said = [action, ...(word === undefined ? [] : [word])].join(' ');
  throw new UsageError(`notify cannot "${said}"`, 'keephold notify --help shows what it can');
}

async function show({ out }: Context, transport: Transport): Promise<void> {
  const settings = await settingsOf(transport);
  const { address = null, unconfirmed = null, wanted, quietDays, canMail } = settings;
  await out.record({ type: 'notices', address, unconfirmed, events: wanted, quietDays, canMail });
  if (!canMail) out.note('this server sends no mail: whoever runs it has to start it with --smtp');
  await out.result(
    address === null ? 'nobody is told anything: keephold notify mail ADDRESS' : `mail to ${printable(address)}:`,
  );
  if (unconfirmed !== null && unconfirmed !== address) {
    await out.result(`${printable(unconfirmed)} has been mailed a code, for keephold notify confirm`);
  }
  const rows = noticeChoices.map((choice) => [choice, wanted.includes(choice) ? 'yes' : 'no', MEANINGS[choice]]);
  await out.result(formatTable({ headings: ['Event', 'Told', ''], rows }).trimEnd());
  await out.result(quietDays === 0 ? 'no device is ever called quiet' : `quiet: after ${counted(quietDays, 'day')}`);
}

/** @throws UsageError where the server is of before this */
async function settingsOf(transport: Transport): Promise<NoticeSettings> {
  const settings = await noticesOf(transport);
  if (settings === undefined) throw new UsageError('this server tells nobody anything: it is too old');
  return settings;
}

function setting({ events, 'quiet-days': quietDays }: Options): Act {
  const wanted = events === undefined ? undefined : readChoices(events);
  return async ({ out }, transport) => {
    await setNotices(transport, {
      ...(wanted && { wanted: [...wanted] }),
      ...(quietDays !== undefined && { quietDays }),
    });
    await out.answer('set', { type: 'notices-set', events: wanted ?? null, quietDays: quietDays ?? null });
  };
}

function readChoices(list: string): readonly NoticeChoice[] {
  if (list === 'all') return noticeChoices;
  if (list === 'none') return [];
  const words = list.split(',').map((word) => word.trim());
  const found = noticeChoices.filter((choice) => words.includes(choice));
  const unknown = words.find((word) => !found.some((choice) => choice === word));
  if (unknown === undefined) return found;
  throw new UsageError(
    `"${unknown}" is nothing to be told of`,
    `write some of ${noticeChoices.join(', ')}, or all, or none`,
  );
}

function addressing(address: string): Act {
  if (!address.includes('@')) throw new UsageError(`"${printable(address)}" is no address`, 'write NAME@HOST');
  return async ({ out }, transport) => {
    await setNotices(transport, { address });
    const says = `${printable(address)} gets a code within minutes: keephold notify confirm CODE`;
    await out.answer(says, { type: 'notices-address', address });
  };
}

function confirming(code: string): Act {
  return async ({ out }, transport) => {
    await confirmNotices(transport, code.trim());
    const { address = '' } = await settingsOf(transport);
    await out.answer(`from now on mail goes to ${printable(address)}`, { type: 'notices-confirmed', address });
  };
}

async function off({ out }: Context, transport: Transport): Promise<void> {
  await setNotices(transport, { address: '' });
  await out.answer('nobody is told anything from now on', { type: 'notices-off' });
}
