/** `keephold keys`: the ways into a repository. */
import { systemRandom } from '@keephold/crypto';
import type { Custody } from '@keephold/protocol';
import { type ChangeSlotsOptions, listSlots, removeSlot, type SlotSummary, type Unlocked } from '@keephold/vault';
import { DeviceStore } from '../access/device-store.ts';
import { waysInto } from '../access/open-ways-in.ts';
import { readPasswordFile, requireStrong, typeNewPassword } from '../access/password.ts';
import { PasswordChangeNote, settleNotedChange } from '../access/password-change.ts';
import { handOverWords } from '../access/recovery-words.ts';
import { repositoryPlace } from '../access/repository-folder.ts';
import { proveWords, unlockAccount } from '../access/unlock.ts';
import type { WaysIn } from '../access/ways-in.ts';
import { wordsInText } from '../access/words-text.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { text } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { CommandError, exitCodes, UsageError } from '../errors.ts';
import { hex } from '../listing/node-text.ts';
import { formatTable } from '../terminal/text-table.ts';

export const keys: Command = defineCommand({
  name: 'keys',
  operands: { usage: 'list | password | words | add password | add words | remove ID', min: 0, max: 2 },
  description: [
    'Shows and changes what opens a repository. Wherever a password is asked for, the 24 recovery words do as well.',
    'list shows the ways in. password changes the password. words proves that the recovery words work, without changing anything. add password adds a second password, add words makes 24 new words; the old ones work until they are removed. remove takes one away; the last one besides the words stays.',
    'Somebody who copied the folder earlier can still open that copy with the old password. On a server there is one password, and nobody can try passwords without the server.',
  ],
  options: {
    'new-password-file': text({ value: 'FILE', help: 'read the new password from FILE' }),
    'words-file': text({ value: 'FILE', help: 'read the 24 words to prove from FILE' }),
  },
  examples: [
    { command: 'keephold keys password', says: 'change the password' },
    { command: 'keephold keys words', says: 'prove that what you wrote down works' },
    {
      command: 'keephold keys add password --new-password-file second.txt',
      says: 'a second password, for somebody else',
    },
    { command: 'keephold keys list', says: 'the ways in, with the ids that remove takes' },
  ],
  async run(context, { operands, options }) {
    const [action = 'list', what] = operands;
    const act = actions[[action, action === 'remove' ? '' : what].filter((part) => part).join(' ')];
    if (act === undefined)
      throw new UsageError(`keys cannot "${operands.join(' ')}"`, 'keephold keys --help shows what it can');
    await using custody = await context.openRepository(repositoryPlace(context));
    const files = { newPassword: options['new-password-file'], words: options['words-file'] };
    await act(context, { custody, files, id: what ?? '' });
    return exitCodes.done;
  },
});

interface Task {
  readonly custody: Custody;
  readonly files: { readonly newPassword: string | undefined; readonly words: string | undefined };
  readonly id: string;
}

type Action = (context: Context, task: Task) => Promise<void>;

const actions: Readonly<Record<string, Action>> = {
  list,
  password: changeThePassword,
  words: proveTheWords,
  'add password': addPassword,
  'add words': addWords,
  remove,
};

const methodNames: Readonly<Record<string, string>> = {
  'local-password': 'password',
  opaque: 'password',
  words: '24 recovery words',
};

async function list(context: Context, task: Task): Promise<void> {
  const unlocked = await unlockOwner(context, task);
  const { out } = context;
  const slots = listSlots(unlocked.keychain);
  for (const { slotId, method } of slots) {
    await out.record({ type: 'key', id: hex(slotId), method, used: sameSlot(slotId, unlocked) });
  }
  const rows = slots.map(({ slotId, method }) => [
    hex(slotId).slice(0, 8),
    methodNames[method] ?? method,
    sameSlot(slotId, unlocked) ? 'opened it now' : '',
  ]);
  await out.result(formatTable({ headings: ['ID', 'Opens by', ''], rows }).trimEnd());
}

function sameSlot(slotId: Uint8Array, unlocked: Unlocked): boolean {
  return hex(slotId) === hex(unlocked.slotId);
}

/** What was cut short before is settled first: from then on it is clear which passwords there are. */
async function unlockOwner(context: Context, task: Task): Promise<Unlocked> {
  const unlocked = await unlockAccount(context, task.custody);
  return await settleNotedChange(context, noteOf(context, unlocked), { unlocked, options: changes(context, task) });
}

function noteOf({ environment }: Context, { accountId }: Unlocked): PasswordChangeNote {
  return new PasswordChangeNote(new DeviceStore(environment, accountId).folder);
}

function changes(context: Context, { custody }: Task): ChangeSlotsOptions {
  return { custody, now: context.now(), random: systemRandom };
}

async function changeThePassword(context: Context, task: Task): Promise<void> {
  const unlocked = await unlockOwner(context, task);
  const password = await wantedPassword(context, task);
  await (await waysInOf(context, task)).changePassword(unlocked, password);
  await context.out.answer('the password is changed', { type: 'key-changed', method: 'password' });
}

async function waysInOf(context: Context, task: Task): Promise<WaysIn> {
  return await waysInto(context, task.custody, changes(context, task));
}

async function addPassword(context: Context, task: Task): Promise<void> {
  const unlocked = await unlockOwner(context, task);
  const password = await wantedPassword(context, task);
  const grown = await (await waysInOf(context, task)).addPassword(unlocked, password);
  const id = hex(listSlots(grown.keychain).at(-1)?.slotId ?? new Uint8Array());
  await context.out.answer(`a second password is added (${id.slice(0, 8)})`, {
    type: 'key-added',
    id,
    method: 'local-password',
  });
}

async function wantedPassword(context: Context, { files }: Task): Promise<string> {
  if (files.newPassword !== undefined) return requireStrong(readPasswordFile(files.newPassword, context));
  if (context.terminal.canAsk) return typeNewPassword(context, 'new password: ');
  throw new UsageError('a new password is needed, and there is no terminal to ask on', 'use --new-password-file FILE');
}

async function addWords(context: Context, task: Task): Promise<void> {
  const unlocked = await unlockOwner(context, task);
  const { words, unlocked: grown } = await (await waysInOf(context, task)).addWords(unlocked);
  const { folder } = new DeviceStore(context.environment, unlocked.accountId);
  const id = hex(listSlots(grown.keychain).at(-1)?.slotId ?? new Uint8Array());
  const { file } = await handOverWords(context, { words, folder, id: id.slice(0, 8) });
  const place = file === undefined ? '' : `; they lie in ${file}`;
  await context.out.answer(`24 new words are added (${id.slice(0, 8)})${place}`, {
    type: 'key-added',
    id,
    method: 'words',
    wordsFile: file ?? null,
  });
}

async function proveTheWords(context: Context, { custody, files }: Task): Promise<void> {
  const { terminal, out } = context;
  let words: string;
  if (files.words !== undefined) words = await readWords(files.words);
  else if (terminal.canAsk) words = await terminal.ask('the 24 words: ');
  else throw new UsageError('the words are needed, and there is no terminal to ask on', 'use --words-file FILE');
  await proveWords(custody, words);
  await out.answer('the words work', { type: 'words-proved' });
}

/** Numbers and text around the words may stay in the file, as it was written by init. */
async function readWords(file: string): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const content = await readFile(file, 'utf8');
  return wordsInText(content) ?? content;
}

async function remove(context: Context, task: Task): Promise<void> {
  if (!/^[0-9a-f]{4,32}$/i.test(task.id))
    throw new UsageError('keys remove needs the beginning of an id', 'keephold keys list shows them');
  const unlocked = await unlockOwner(context, task);
  const slot = findSlot(listSlots(unlocked.keychain), task.id.toLowerCase());
  await removeSlot(unlocked, slot.slotId, changes(context, task));
  const id = hex(slot.slotId);
  const what = methodNames[slot.method] ?? slot.method;
  await context.out.answer(`removed ${id.slice(0, 8)} (${what})`, { type: 'key-removed', id, method: slot.method });
}

function findSlot(slots: readonly SlotSummary[], id: string): SlotSummary {
  const [found, ...others] = slots.filter(({ slotId }) => hex(slotId).startsWith(id));
  if (found !== undefined && others.length === 0) return found;
  throw new CommandError(`${found === undefined ? 'no' : 'more than one'} key has an id that begins with ${id}`, {
    code: 'no-such-key',
    exitCode: exitCodes.failed,
    hint: 'keephold keys list shows them',
  });
}
