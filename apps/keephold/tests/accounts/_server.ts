/** A server's accounts over a real database and a real OPAQUE setup, and what a client does with them, without transport. */
import {
  type AccountsSurroundings,
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
import { SqliteDatabase } from '@keephold/custody/sql';
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

export async function testServer(path = ':memory:', setup?: Uint8Array): Promise<TestServer> {
  const database = await SqliteDatabase.open(path, 'durable');
  await migrate(database);
  const secret = setup ?? (await createOpaqueSetup());
  let now = Date.now();
  const around: AccountsSurroundings = {
    database,
    opaque: await OpaqueServer.open(secret),
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
export async function signIn({ around }: TestServer, name: string, password = PASSWORD): Promise<LoggedIn | undefined> {
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
