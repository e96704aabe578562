/** Signing in with the password or the 24 words, where no device is known or where a device is not enough. */
import { equalBytes, fromBase64Url, toBase64Url } from '@keephold/bytes';
import { type Argon2Cost, type Ed25519KeyPair, generateEd25519, type RandomSource, sign } from '@keephold/crypto';
import { bindToSession, OPAQUE_COST, startOpaqueLogin } from '@keephold/crypto/opaque';
import { type AccountId, asAccountId, CustodyError, recoveryText } from '@keephold/protocol';
import { routes } from '@keephold/protocol/http';
import { HttpError } from '../errors.ts';
import { postJson } from '../post.ts';
import type { UnlockedSession } from '../session.ts';
import { plainCode } from './factor.ts';

/** Of the 15 minutes that a server gives. */
const LIFETIME = 14 * 60_000;

export interface Login {
  readonly origin: string;
  /** Where this machine knows the account: nothing is signed for another server or account. */
  readonly known?: KnownServer;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly random: RandomSource;
}

export interface KnownServer {
  readonly serverId: Uint8Array;
  readonly accountId: AccountId;
}

export interface SignedIn {
  readonly accountId: AccountId;
  readonly serverId: Uint8Array;
  readonly session: UnlockedSession;
}

export interface PasswordLogin {
  readonly name: string;
  readonly password: string;
  readonly cost?: Argon2Cost;
  /** Without it, an account with a second factor cannot be signed in to. */
  readonly askCode?: AskCode | undefined;
}

/** The code of a second factor. `isAgain`: the one before was not taken. Whatever it throws ends the login. */
export type AskCode = (question: { readonly isAgain: boolean }) => Promise<string>;

export interface SignedInByPassword extends SignedIn {
  /** Opens the slot of the password. */
  readonly exportKey: Uint8Array;
  /** Of OPAQUE: must be the one that the genesis of the account names. */
  readonly serverKey: Uint8Array;
}

/** Undefined: wrong password, or no such account. @throws HttpError 'too-many-tries', 'factor-refused' */
export async function signInWithPassword(
  login: Login,
  { name, password, cost = OPAQUE_COST, askCode }: PasswordLogin,
): Promise<SignedInByPassword | undefined> {
  const { origin, random } = login;
  const attempt = await startOpaqueLogin(password, cost);
  const { answer } = await postJson(origin, routes.startSignIn, { name, request: toBase64Url(attempt.request) });
  const parties = partiesOf(answer);
  const { accountId, serverId } = parties;
  const done = await attempt.finish(fromBase64Url(answer.response), parties);
  if (done === undefined || !isKnown(login, parties)) return undefined;
  const { sessionKey, message, exportKey, serverKey } = done;
  const key = generateEd25519(random);
  const finish = {
    attemptId: answer.attemptId,
    message: toBase64Url(message),
    key: toBase64Url(key.publicKey),
    mac: toBase64Url(bindToSession(sessionKey, serverId, key.publicKey)),
  };
  const opened = await orRefused(postJson(origin, routes.finishSignIn, finish));
  if (opened === undefined) return undefined;
  const token = 'token' in opened.answer ? opened.answer.token : await showCode(origin, opened.answer, askCode);
  return { accountId, serverId, session: sessionOf(login, key, token), exportKey, serverKey };
}

async function showCode(origin: string, wanted: FactorWanted, askCode: AskCode | undefined): Promise<string> {
  if (askCode === undefined) throw new CustodyError('no-permission', 'sign in: the account has a second factor');
  for (let isAgain = false; ; isAgain = true) {
    const code = plainCode(await askCode({ isAgain }));
    try {
      const finish = { attemptId: wanted.factorAttemptId, code };
      return (await postJson(origin, routes.finishFactorSignIn, finish)).answer.token;
    } catch (error) {
      if (!(error instanceof HttpError && error.problem === 'factor-refused')) throw error;
    }
  }
}

interface FactorWanted {
  readonly factorAttemptId: string;
}

/** What the 24 words give (`recoveryCredentials` of vault). */
export interface WordsLogin {
  readonly recoveryId: Uint8Array;
  keyFor(accountId: AccountId): Ed25519KeyPair;
}

/** Undefined: nobody has these words. @throws HttpError 'too-many-tries' */
export async function signInWithWords(login: Login, words: WordsLogin): Promise<SignedIn | undefined> {
  const { origin, now, random } = login;
  const start = await postJson(origin, routes.startRecovery, { recoveryId: toBase64Url(words.recoveryId) });
  const parties = partiesOf(start.answer);
  if (!isKnown(login, parties)) return undefined;
  const key = generateEd25519(random);
  const time = Math.floor((start.serverTime ?? now()) / 1000);
  const attemptId = fromBase64Url(start.answer.attemptId);
  const text = recoveryText({ ...parties, attemptId, time, sessionKey: key.publicKey });
  const signature = sign(words.keyFor(parties.accountId).seed, text);
  const finish = {
    ...{ attemptId: start.answer.attemptId, time },
    ...{ key: toBase64Url(key.publicKey), signature: toBase64Url(signature) },
  };
  const opened = await orRefused(postJson(origin, routes.finishRecovery, finish));
  return opened && { ...parties, session: sessionOf(login, key, opened.answer.token) };
}

function partiesOf(answer: { readonly accountId: string; readonly serverId: string }): KnownServer {
  return { accountId: asAccountId(fromBase64Url(answer.accountId)), serverId: fromBase64Url(answer.serverId) };
}

/** False for another account: what was typed is not of the one that is known here. */
function isKnown({ known }: Login, { serverId, accountId }: KnownServer): boolean {
  if (known === undefined) return true;
  if (equalBytes(serverId, known.serverId)) return equalBytes(accountId, known.accountId);
  throw new CustodyError('refused', 'sign in: this is another server than the one this device knows');
}

function sessionOf({ now }: Login, key: Ed25519KeyPair, token: string): UnlockedSession {
  const { publicKey, seed } = key;
  return { token, publicKey, sign: (message) => sign(seed, message), validUntil: now() + LIFETIME };
}

async function orRefused<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof HttpError && error.problem === 'sign-in-refused') return undefined;
    throw error;
  }
}
