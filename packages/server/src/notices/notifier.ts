/**
 * Tells owners, and whoever runs the server, what happened: notices become messages, messages are sent; devices that are
 * quiet and weeks that are over become notices. Any number of processes does it at once.
 */
import type { AccountsSurroundings } from '@keephold/accounts';
import {
  addDigest,
  dueDigests,
  forgetDevice,
  keepWatch,
  type Message,
  messageFailed,
  messageSent,
  postNotices,
  putOffQuiet,
  type QuietDevice,
  quietDevices,
  sayMail,
  seenDevices,
  shortId,
  takeMessages,
  tellQuiet,
} from '@keephold/accounts/notices';
import { toHex } from '@keephold/bytes';
import { type AccountId, type Custody, CustodyError, type DeviceId } from '@keephold/protocol';
import { keychainOf } from '../handlers/account-handlers.ts';
import type { VaultWorker } from '../jobs/vault-worker.ts';
import type { AccountKeeper } from '../keeper.ts';
import { SendError, type Sender } from './sender.ts';

export interface NotifierOptions {
  readonly accounts: AccountsSurroundings;
  readonly keeper: AccountKeeper;
  /** None: what happens is forgotten. */
  readonly senders: readonly Sender[];
  /** Milliseconds; resolves early, or rejects, when the signal aborts. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Told of each message; nothing in it says whose it was. */
  readonly onMessage?: (outcome: MessageOutcome) => void;
  /** Told of what else failed. */
  readonly onFailed?: (code: string) => void;
}

export interface MessageOutcome {
  readonly channel: Message['channel'];
  readonly notice: Message['notice']['kind'];
  readonly outcome: 'sent' | 'to-be-tried-again' | 'given-up';
  readonly code?: string;
}

const PAUSE = 5000;
const AT_ONCE = 8;

export function startNotifier(options: NotifierOptions): VaultWorker {
  const controller = new AbortController();
  const running = notifyUntil(options, controller.signal);
  return {
    stop: async () => {
      controller.abort();
      await running;
    },
  };
}

async function notifyUntil(options: NotifierOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let did = 0;
    try {
      did = await lookOnce(options);
    } catch (error) {
      // The database is away: another look comes.
      options.onFailed?.(codeOf(error));
    }
    if (did === 0 && !signal.aborted) await options.wait(PAUSE, signal).catch(() => {});
  }
}

/** Answers how much there was to do. */
async function lookOnce(options: NotifierOptions): Promise<number> {
  const { accounts, senders } = options;
  const channels = senders.map(({ channel }) => channel);
  await keepWatch(accounts);
  if (channels.includes('mail')) await sayMail(accounts);
  const quiet = await quietDevices(accounts, AT_ONCE);
  for (const device of quiet) await tellOfQuiet(options, device);
  const digests = await dueDigests(accounts, AT_ONCE);
  for (const accountId of digests) await tellOfWeek(options, accountId);
  const posted = await postNotices(accounts, channels);
  const messages = await takeMessages(accounts, { channels, most: AT_ONCE });
  await Promise.all(messages.map(async (message) => await send(options, message)));
  return quiet.length + digests.length + posted + messages.length;
}

async function tellOfQuiet({ accounts, keeper, onFailed }: NotifierOptions, device: QuietDevice): Promise<void> {
  try {
    const { accountId, deviceId } = device;
    const isMember = await keeper.use(accountId, async (custody) => (await membersOf(custody)).has(toHex(deviceId)));
    await (isMember ? tellQuiet(accounts, device) : forgetDevice(accounts, device));
  } catch (error) {
    if (isGone(error)) return await forgetDevice(accounts, device);
    onFailed?.(codeOf(error));
    await putOffQuiet(accounts, device);
  }
}

async function tellOfWeek({ accounts, keeper, onFailed }: NotifierOptions, accountId: AccountId): Promise<void> {
  try {
    const seen = await seenDevices(accounts, accountId);
    const digest = await keeper.use(accountId, async (custody) => await digestOf(custody, seen));
    await addDigest(accounts, accountId, digest);
  } catch (error) {
    onFailed?.(codeOf(error));
    await addDigest(accounts, accountId, undefined);
  }
}

type Digest = NonNullable<Parameters<typeof addDigest>[2]>;
/** A mail that somebody reads. */
const MOST_DEVICES = 50;

async function digestOf(
  custody: Custody,
  seen: readonly { readonly deviceId: DeviceId; readonly lastCommit: number }[],
): Promise<Digest> {
  const members = await membersOf(custody);
  const devices = seen
    .filter(({ deviceId }) => members.has(toHex(deviceId)))
    .slice(0, MOST_DEVICES)
    .map(({ deviceId, lastCommit }) => ({ device: shortId(deviceId), lastCommit }));
  const { storedBytes: bytes } = await custody.accountUsage();
  let snapshots = 0;
  for (const { vaultId } of (await keychainOf(custody)).vaults.values()) {
    for (const { state } of await custody.snapshots(vaultId)) if (state === 'active') snapshots++;
  }
  return { kind: 'digest', devices, snapshots, bytes };
}

/** Hex of the ids of devices that are not revoked. */
async function membersOf(custody: Custody): Promise<ReadonlySet<string>> {
  const devices = [...(await keychainOf(custody)).devices.values()];
  return new Set(devices.filter(({ revokedSeq }) => revokedSeq === undefined).map(({ deviceId }) => toHex(deviceId)));
}

async function send({ accounts, senders, onMessage }: NotifierOptions, message: Message): Promise<void> {
  const { channel, notice } = message;
  const told = { channel, notice: notice.kind };
  try {
    await senders.find((sender) => sender.channel === channel)?.send(message);
  } catch (error) {
    const isFinal = error instanceof SendError && error.isFinal;
    const isKept = await messageFailed(accounts, message, { isFinal });
    onMessage?.({ ...told, outcome: isKept ? 'to-be-tried-again' : 'given-up', code: codeOf(error) });
    return;
  }
  await messageSent(accounts, message);
  onMessage?.({ ...told, outcome: 'sent' });
}

function isGone(error: unknown): boolean {
  return error instanceof CustodyError && error.code === 'no-repository';
}

function codeOf(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  const told = code ?? name;
  return typeof told === 'string' ? told : 'failed';
}
