/**
 * A server as the repository. It acts as this device, and for what a device may not – deleting, changing ways in – as the
 * owner, once the password or the words have been given in this run.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { WriteLimit } from '@keephold/backend';
import {
  type AskCode,
  type DeviceCredentials,
  HttpCustody,
  requireServerId,
  type SignedIn,
  type SignedInByPassword,
  signInWithPassword,
  signInWithWords,
  Transport,
} from '@keephold/client';
import { ed25519FromSeed, sign, systemRandom } from '@keephold/crypto';
import type { Custody } from '@keephold/protocol';
import {
  type DeviceState,
  recoveryCredentials,
  type Unlocked,
  unlockWithExportKey,
  unlockWithWords,
  WrongPasswordError,
} from '@keephold/vault';
import type { Environment } from '../environment.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { DeviceStore } from './device-store.ts';
import { sendByNode } from './send-by-node.ts';
import { type ServerAccount, ServerFile } from './server-file.ts';
import { looksLikeWords } from './words-text.ts';

export interface ServerCustodyOptions {
  readonly origin: string;
  readonly account: ServerAccount;
  readonly transport: Transport;
  readonly askCode: AskCode | undefined;
}

/** So old a login may be that is used again in the same run; what needs a step-up takes it for a little longer. */
const REUSE = 3 * 60_000;

interface KeptLogin {
  readonly secret: string;
  readonly login: ServerLogin;
  /** Unix milliseconds. */
  readonly at: number;
}

export class ServerCustody extends HttpCustody {
  readonly account: ServerAccount;
  readonly transport: Transport;
  readonly origin: string;
  readonly #askCode: AskCode | undefined;
  #login: KeptLogin | undefined;

  constructor({ origin, account, transport, askCode }: ServerCustodyOptions) {
    super(transport);
    this.origin = origin;
    this.account = account;
    this.transport = transport;
    this.#askCode = askCode;
  }

  /** @throws WrongPasswordError; HttpError 'too-many-tries' */
  async unlockWithSecret(secret: string): Promise<Unlocked> {
    const login = await this.#signIn(secret);
    this.transport.unlock(login.session);
    return await unlockBy(this, login, secret);
  }

  /** A code is good once: who is asked for the secret twice in a run is asked for one code. */
  async #signIn(secret: string): Promise<ServerLogin> {
    const before = this.#login;
    if (before?.secret === secret && Date.now() - before.at < REUSE) return before.login;
    const { name, accountId, serverId } = this.account;
    const known = { accountId, serverId };
    const login = await signIn(this.origin, { name, secret, known, askCode: this.#askCode });
    this.#login = { secret, login, at: Date.now() };
    return login;
  }
}

export interface SignInWish {
  readonly name: string;
  /** The password, or the 24 words. */
  readonly secret: string;
  readonly known?: Pick<ServerAccount, 'accountId' | 'serverId'>;
  readonly askCode: AskCode | undefined;
}

export type ServerLogin = SignedIn & Partial<SignedInByPassword>;

/** @throws WrongPasswordError; HttpError 'too-many-tries' */
export async function signIn(origin: string, { name, secret, known, askCode }: SignInWish): Promise<ServerLogin> {
  const login = { origin, now: Date.now, random: systemRandom, ...(known !== undefined && { known }) };
  const byPassword = async (): Promise<ServerLogin | undefined> =>
    await signInWithPassword(login, { name, password: secret, askCode });
  const isWords = looksLikeWords(secret);
  const signedIn = isWords ? await byWords(login, secret, byPassword) : await byPassword();
  if (signedIn === undefined) throw new WrongPasswordError(isWords ? 'words' : 'password');
  return signedIn;
}

/** What looks like words and is none might be a very long password; if not, what was wrong with the words tells more. */
async function byWords(
  login: Parameters<typeof signInWithWords>[0],
  words: string,
  byPassword: () => Promise<ServerLogin | undefined>,
): Promise<ServerLogin | undefined> {
  try {
    return await signInWithWords(login, await recoveryCredentials(words));
  } catch (error) {
    const code = error instanceof Error ? (error as { readonly code?: unknown }).code : undefined;
    if (typeof code !== 'string' || !code.startsWith('words-')) throw error;
    const signedIn = await byPassword();
    if (signedIn === undefined) throw error;
    return signedIn;
  }
}

/** What the login opens must name the server that was signed in to. */
export async function unlockBy(custody: Custody, login: ServerLogin, secret: string): Promise<Unlocked> {
  const { exportKey, serverKey, serverId } = login;
  const unlocked =
    exportKey === undefined || serverKey === undefined
      ? await unlockWithWords(custody, secret)
      : await unlockWithExportKey(custody, { exportKey, serverKey });
  requireServerId(serverId, unlocked.keychain.eventKey ?? new Uint8Array(0));
  return unlocked;
}

/** @throws CommandError when this device has no account there. */
export async function openServer(
  environment: Environment,
  origin: string,
  { askCode, writeLimit }: { readonly askCode?: AskCode; readonly writeLimit?: WriteLimit | undefined } = {},
): Promise<ServerCustody> {
  const account = new ServerFile(environment, origin).load();
  const state = account && new DeviceStore(environment, account.accountId).load();
  if (account === undefined || state === undefined) throw unknown(origin);
  const transport = transportTo(origin, account, { device: credentialsOf(state, account.serverId), writeLimit });
  return await Promise.resolve(new ServerCustody({ origin, account, transport, askCode }));
}

export function transportTo(
  origin: string,
  { accountId }: Pick<ServerAccount, 'accountId'>,
  { device, writeLimit }: { readonly device?: DeviceCredentials; readonly writeLimit?: WriteLimit | undefined } = {},
): Transport {
  return new Transport({
    origin,
    accountId,
    device,
    now: Date.now,
    send: sendByNode(writeLimit),
    random: systemRandom,
    wait: async (milliseconds) => await wait(milliseconds),
  });
}

function credentialsOf({ deviceId, signingSeed }: DeviceState, serverId: Uint8Array): DeviceCredentials {
  const { publicKey } = ed25519FromSeed(signingSeed);
  return { deviceId, publicKey, serverId, sign: (message) => sign(signingSeed, message) };
}

function unknown(origin: string): CommandError {
  return new CommandError(`this computer is not signed in at ${origin}`, {
    code: 'no-account',
    exitCode: exitCodes.noRepository,
    hint: `keephold login ${origin} signs in with the password or the 24 words; with an invitation, keephold init --repo ${origin} --invitation CODE makes an account`,
  });
}
