/** `keephold init`: a new repository in a folder or on a server, and this device as its first. */
import { toHex } from '@keephold/bytes';
import { systemRandom } from '@keephold/crypto';
import { createRepositoryFolder, type GenesisRecords } from '@keephold/custody';
import { type Custody, CustodyError } from '@keephold/protocol';
import { type CreatedAccount, createAccount } from '@keephold/vault';
import { DeviceStore } from '../access/device-store.ts';
import { newPassword } from '../access/password.ts';
import { handOverWords } from '../access/recovery-words.ts';
import { isServer, repositoryPlace } from '../access/repository-folder.ts';
import { signUp } from '../access/server-sign-up.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { flag, percent, text } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { CommandError, exitCodes, UsageError } from '../errors.ts';
import { offerPlan } from '../jobs/suggest-plan.ts';

export const init: Command = defineCommand({
  name: 'init',
  operands: { usage: '', min: 0, max: 0 },
  description: [
    'Creates a repository in a folder that is empty or not there yet. Everything in it is encrypted; the password opens it, and so do 24 recovery words, which are shown once.',
    'This device then backs up without asking for the password. It cannot read what it stored unless it is --trusted: then its read key is kept in the keystore of the system, or in a file only you can read.',
    'Whoever can write to the folder can also delete it: a second copy elsewhere protects from that. Against a disk that rots, --parity keeps so much more of every pack that keephold repair can make damaged places again, without the password, and a second copy of all that is small: keys, history, index. 10% bears damage to a tenth of a pack in one piece, or to 4 places anywhere in it.',
  ],
  options: {
    trusted: flag({ help: 'let this device list and restore without the password' }),
    parity: percent({ value: 'PERCENT', min: 1, max: 100, help: 'keep parity that mends damage, such as 10%' }),
    invitation: text({ value: 'CODE', help: 'on a server: the invitation that it printed, or that its admin made' }),
    account: text({ value: 'NAME', help: 'on a server: what you sign in with there (your name on this computer)' }),
  },
  examples: [
    { command: 'keephold init --repo /media/disk/backup', says: 'on an external disk; asks for a password' },
    {
      command: 'keephold init --repo https://backup.example.org --invitation CODE --account ann --trusted',
      says: 'an account on a server; keephold login brings it to other computers',
    },
    { command: 'keephold init --repo ~/backup --password-file ~/.backup-password', says: 'without a terminal' },
    { command: 'keephold init --repo /media/disk/backup --parity 10%', says: 'on a disk that may rot' },
  ],
  async run(context, { options }) {
    const folder = repositoryPlace(context);
    const { trusted, parity } = options;
    const server = serverWish(context, options, isServer(folder));
    if (isServer(folder) && parity !== undefined) {
      throw new UsageError('a server decides for itself what it keeps beside packs', 'leave --parity out');
    }
    const created = await createRepository(context, { folder, trusted, server, parity });
    const { out } = context;
    const { readKeyPlace, wordsFile, accountId, deviceId } = created;
    await out.record({
      type: 'repository',
      folder,
      accountId,
      deviceId,
      trusted: options.trusted,
      ...(server === undefined ? {} : { account: server.name }),
      readKeyPlace,
      wordsFile,
      ...(options.parity === undefined ? {} : { parity: options.parity }),
    });
    if (out.json || out.quiet) return exitCodes.done;
    await out.result(server === undefined ? `created ${folder}` : `created the account ${server.name} at ${folder}`);
    if (readKeyPlace !== null) await out.result(`this device may read; its read key lies in ${readKeyPlace}`);
    else await out.result('this device backs up only; reading asks for the password');
    if (options.parity !== undefined) await out.result(`packs get ${options.parity}% of parity`);
    if (wordsFile !== null)
      await out.result(`the 24 recovery words lie in ${wordsFile}\n  write them on paper, then delete that file`);
    out.note('\nnext: keephold backup FOLDER; keephold keys words proves that the words work');
    await offerPlan(context);
    return exitCodes.done;
  },
});

interface ServerWish {
  readonly invitation: string;
  readonly name: string;
}

function serverWish(
  { environment }: Context,
  options: { readonly invitation: string | undefined; readonly account: string | undefined },
  isOnServer: boolean,
): ServerWish | undefined {
  const { invitation, account } = options;
  if (!isOnServer) {
    if (invitation === undefined && account === undefined) return undefined;
    throw new UsageError('invitations and accounts are for servers', 'name one: --repo https://SERVER');
  }
  const name = account ?? environment.userName;
  if (name !== undefined) return { invitation: invitation ?? '', name };
  throw new UsageError('a name for the account is needed', 'use --account NAME, a name or an e-mail address');
}

export interface NewRepository {
  readonly folder: string;
  readonly trusted: boolean;
  /** On a server. */
  readonly server?: ServerWish | undefined;
  /** Instead of the one that was given or is asked for. */
  readonly password?: string | undefined;
  /** Parity blocks that packs get for 100 data blocks; undefined: none. */
  readonly parity?: number | undefined;
}

export interface CreatedRepository {
  readonly accountId: string;
  readonly deviceId: string;
  /** Where the read key lies; null on a device that cannot read. */
  readonly readKeyPlace: string | null;
  /** Where the words lie; null when they were shown. */
  readonly wordsFile: string | null;
}

export async function createRepository(context: Context, wanted: NewRepository): Promise<CreatedRepository> {
  const { environment } = context;
  const password = wanted.password ?? (await newPassword(context));
  const account = await createThere(context, wanted, password);
  const store = new DeviceStore(environment, account.accountId);
  const keystore = await store.create(account.device);
  const { file } = await handOverWords(context, { words: account.words ?? [], folder: store.folder, id: 'first' });
  return {
    accountId: toHex(account.accountId),
    deviceId: toHex(account.device.deviceId),
    readKeyPlace: wanted.trusted ? (keystore ?? store.folder) : null,
    wordsFile: file ?? null,
  };
}

async function createThere(context: Context, wanted: NewRepository, password: string): Promise<CreatedAccount> {
  const { folder, trusted, server, parity } = wanted;
  const role = trusted ? 'trusted' : 'backup-only';
  if (server !== undefined) return await signUp(context, { origin: folder, ...server, password, role });
  const names = { device: context.environment.hostname };
  const account = await createAccount({ password, now: context.now(), random: systemRandom, role, names });
  const custody = await createFolder(folder, {
    accountId: account.accountId,
    parity,
    keychain: account.keychainEntries,
    slots: account.slots,
    keyring: account.sealedKeyring,
    grants: [],
  });
  await custody[Symbol.asyncDispose]();
  return account;
}

async function createFolder(folder: string, records: GenesisRecords): Promise<Custody> {
  try {
    return await createRepositoryFolder(folder, records);
  } catch (error) {
    if (!(error instanceof CustodyError) || error.code !== 'refused') throw error;
    const hint = 'name a folder that is empty or not there yet; keephold snapshots shows what a repository holds';
    throw new CommandError(error.message, { code: error.code, exitCode: exitCodes.failed, hint, cause: error });
  }
}
