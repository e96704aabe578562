/** A server's accounts over a real database and a real OPAQUE setup, and what a client does with them, without transport. */
import { createHmac } from 'node:crypto';
import {
  type AccountsSurroundings,
  type FactorWanted,
  finishSignIn,
  finishSignUp,
  invite,
  migrate,
  type SignedIn,
  type SignUpChallenge,
  startSignIn,
  startSignUp,
} from '@keephold/accounts';
import { sha256, systemRandom } from '@keephold/crypto';
import {
  bindToSession,
  createOpaqueSetup,
  type OpaqueLoggedIn,
  OpaqueServer,
  startOpaqueLogin,
  startOpaqueRegistration,
} from '@keephold/crypto/opaque';
import { SealedTotp } from '@keephold/crypto/totp';
import { type SqlDatabase, SqliteDatabase } from '@keephold/custody/sql';
import { type AccountId, asAccountId } from '@keephold/protocol';
import { type CreatedAccount, createServerAccount, recoveryEntry } from '@keephold/vault';

/** The least that is accepted. */
export const CHEAP = { memoryKiB: 65_536, passes: 3, lanes: 1 };
export const PASSWORD = 'plover tangent ochre lagoon';
export const ADDRESS = '192.0.2.7';
const DAY = 24 * 3_600_000;

export interface TestServer {
  readonly around: AccountsSurroundings;
  /** Moves its clock on. */
  pass(milliseconds: number): void;
  invitation(): Promise<string>;
}

export async function testServer(place: string | SqlDatabase = ':memory:', setup?: Uint8Array): Promise<TestServer> {
  const database = typeof place === 'string' ? await SqliteDatabase.open(place, 'durable') : place;
  await migrate(database);
  const secret = setup ?? (await createOpaqueSetup());
  let now = Date.now();
  const around: AccountsSurroundings = {
    database,
    opaque: await OpaqueServer.open(secret),
    factors: new SealedTotp(new Uint8Array(32).fill(8), systemRandom),
    setupId: sha256(secret).slice(0, 16),
    serverId: new Uint8Array(32).fill(5),
    eventKey: new Uint8Array(32).fill(6),
    decoySecret: new Uint8Array(32).fill(7),
    now: () => now,
    random: systemRandom,
  };
  return {
    around,
    pass: (milliseconds) => {
      now += milliseconds;
    },
    invitation: async () =>
      await database.transaction(
        async (sql) => (await invite(sql, { now, expiresAt: now + 7 * DAY, random: systemRandom })).code,
      ),
  };
}

export interface NewAccountOptions {
  readonly name: string;
  readonly invitation: string;
  readonly change?: (account: CreatedAccount, challenge: SignUpChallenge) => CreatedAccount | Promise<CreatedAccount>;
  readonly publish?: (accountId: AccountId) => Promise<void>;
}

export async function signUp({ around }: TestServer, options: NewAccountOptions): Promise<CreatedAccount> {
  const { name, invitation, change, publish } = options;
  const registration = await startOpaqueRegistration(PASSWORD, CHEAP);
  const challenge = await startSignUp(around, { invitation, request: registration.request, address: ADDRESS });
  const { attemptId, serverId, eventKey, response } = challenge;
  const accountId = asAccountId(systemRandom(16));
  const { record, exportKey, serverKey } = await registration.finish(response, { accountId, serverId });
  const server = { eventKey, opaqueKey: serverKey };
  const made = await createServerAccount({
    ...{ accountId, exportKey, cost: CHEAP, server, now: around.now(), random: systemRandom, role: 'trusted' },
  });
  const account = (await change?.(made, challenge)) ?? made;
  const [opaque, words] = account.slots;
  if (opaque === undefined || words === undefined || account.words === undefined) throw new Error('no slots');
  const recovery = { ...(await recoveryEntry(account.words, accountId)), slotId: words.slotId };
  const password = { record, slotId: opaque.slotId, slot: opaque.record };
  const records = { attemptId, invitation, name, keychain: account.keychainEntries, password, recovery };
  await finishSignUp(around, { ...records, address: ADDRESS }, publish ?? (async () => undefined));
  return account;
}

export interface LoggedIn extends OpaqueLoggedIn {
  readonly session: SignedIn;
}

/** Undefined as the client finds it: wrong password, or no such account. */
export async function signIn(server: TestServer, name: string, password = PASSWORD): Promise<LoggedIn | undefined> {
  const login = await showPassword(server, name, password);
  if (login === undefined) return undefined;
  const { session } = login;
  if ('factorAttemptId' in session) throw new Error('a second factor is wanted');
  return { ...login, session };
}

type ShownPassword = OpaqueLoggedIn & { readonly session: SignedIn | FactorWanted };

async function showPassword(
  { around }: TestServer,
  name: string,
  password: string,
): Promise<ShownPassword | undefined> {
  const attempt = await startOpaqueLogin(password, CHEAP);
  const challenge = await startSignIn(around, { name, request: attempt.request, address: ADDRESS });
  const { attemptId, accountId, serverId, response } = challenge;
  const done = await attempt.finish(response, { accountId, serverId });
  if (done === undefined) return undefined;
  const key = systemRandom(32);
  const mac = bindToSession(done.sessionKey, serverId, key);
  const finish = { attemptId, message: done.message, binding: { key, mac }, address: ADDRESS };
  return { ...done, session: await finishSignIn(around, finish) };
}

/** Of an account that has a second factor: what its code is to be sent with. */
export async function factorAttempt(server: TestServer, name: string): Promise<Uint8Array> {
  const login = await showPassword(server, name, PASSWORD);
  if (login === undefined || !('factorAttemptId' in login.session)) throw new Error('no second factor is wanted');
  return login.session.factorAttemptId;
}

/** What an authenticator app shows: RFC 6238 without the library that checks it. */
export function codeAt(secret: Uint8Array, milliseconds: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(milliseconds / 30_000)));
  const mac = Buffer.from(createHmac('sha1', secret).update(counter).digest('hex'), 'hex');
  const at = (mac[19] as number) & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
