/** Sign-up, sign-in and recovery as a server keeps them, with the real client's cryptography on the other side. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AccountsError,
  addRecovery,
  countAccounts,
  dropRecovery,
  finishPasswordChange,
  finishRecovery,
  finishSignIn,
  finishSignUp,
  passwordSlot,
  startPasswordChange,
  startRecovery,
  startSignIn,
} from '@keephold/accounts';
import { toHex } from '@keephold/bytes';
import { sign, systemRandom } from '@keephold/crypto';
import { createOpaqueSetup, startOpaqueLogin, startOpaqueRegistration } from '@keephold/crypto/opaque';
import { createRepositoryFolder } from '@keephold/custody';
import { overrideCustody, recoveryText, walkKeychain } from '@keephold/protocol';
import {
  addWordsSlot,
  changeServerPassword,
  listSlots,
  recordVerifier,
  recoveryCredentials,
  recoveryEntry,
  removeSlot,
  unlockWithExportKey,
} from '@keephold/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADDRESS, CHEAP, PASSWORD, signIn, signUp, type TestServer, testServer } from './_server.ts';

const refused = { code: 'sign-in-refused' };
let server: TestServer;
let ann: Awaited<ReturnType<typeof signUp>>;

beforeAll(async () => {
  server = await testServer();
  ann = await signUp(server, { name: 'Ann@Example.org', invitation: await server.invitation() });
});
const opened: (() => Promise<void>)[] = [];
afterAll(async () => {
  await server.around.database.close();
  for (const close of opened) await close();
});

describe('signing up', () => {
  it('takes an invitation once, and one refusal stands for every reason', async () => {
    const invitation = await server.invitation();
    await signUp(server, { name: 'bob', invitation });
    const reasons = [
      { name: 'carol', invitation },
      { name: 'carol', invitation: 'made up' },
      { name: 'ANN@example.org', invitation: await server.invitation() },
    ];
    const before = await countAccounts(server.around);
    const errors = await Promise.all(reasons.map((one) => signUp(server, one).catch((error: unknown) => error)));
    expect(new Set(errors.map((error) => (error as AccountsError).message)).size).toBe(1);
    expect(errors[0]).toMatchObject({ code: 'sign-up-refused' });
    const late = await server.invitation();
    server.pass(8 * 24 * 3_600_000);
    await expect(signUp(server, { name: 'carol', invitation: late })).rejects.toMatchObject({
      code: 'sign-up-refused',
    });
    expect(await countAccounts(server.around)).toBe(before);
  });

  it('takes no account that names another server, or that its password would not open', async () => {
    const elsewhere = await testServer();
    const foreign = await signUp(elsewhere, { name: 'x', invitation: await elsewhere.invitation() });
    const invitation = await server.invitation();
    const withKeychain = { name: 'dave', invitation, change: () => foreign };
    await expect(signUp(server, withKeychain)).rejects.toMatchObject({ code: 'malformed' });
    const withSlot = {
      name: 'dave',
      invitation,
      change: (account: typeof foreign) => {
        const [opaque, words] = account.slots;
        return { ...account, slots: [{ ...opaque, record: new Uint8Array(9) }, words] as typeof account.slots };
      },
    };
    await expect(signUp(server, withSlot)).rejects.toMatchObject({ code: 'malformed' });
    await signUp(server, { name: 'dave', invitation });
    await elsewhere.around.database.close();
  });

  it('leaves no account and a good invitation when its records could not be stored', async () => {
    const invitation = await server.invitation();
    const publish = async (): Promise<void> => await Promise.reject(new Error('disk full'));
    await expect(signUp(server, { name: 'erin', invitation, publish })).rejects.toThrow('disk full');
    expect(await signIn(server, 'erin')).toBeUndefined();
    await signUp(server, { name: 'erin', invitation });
    expect(await signIn(server, 'erin')).toBeDefined();
  });

  it('of two with one invitation or one name lets one through', async () => {
    server.pass(60_000);
    const invitation = await server.invitation();
    const race = [1, 2].map((n) => signUp(server, { name: `frank${n}`, invitation }));
    const done = await Promise.allSettled(race);
    expect(done.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('signing in', () => {
  it('gives the account and binds the key of the session', async () => {
    const login = await signIn(server, 'ann@example.org');
    expect(login?.session.accountId).toEqual(ann.accountId);
    expect(login?.serverKey).toEqual(server.around.opaque.publicKey);
    expect(await passwordSlot(server.around, ann.accountId)).toEqual(ann.slots[0]?.record);
  });

  it('answers about an account that is not there as about one that is, always the same', async () => {
    server.pass(3_600_000);
    const ask = async (name: string) => {
      const { request } = await startOpaqueLogin(PASSWORD, CHEAP);
      return await startSignIn(server.around, { name, request, address: ADDRESS });
    };
    const [known, unknown, again] = [await ask('ann@example.org'), await ask('nobody'), await ask('nobody')];
    expect(unknown.accountId).toEqual(again.accountId);
    expect(unknown.response.length).toBe(known.response.length);
    expect(Object.keys(unknown)).toEqual(Object.keys(known));
    expect(await signIn(server, 'nobody')).toBeUndefined();
    expect(await signIn(server, 'ann@example.org', 'another password altogether')).toBeUndefined();
    const finish = { message: new Uint8Array(64), binding: { key: new Uint8Array(32), mac: new Uint8Array(32) } };
    for (const { attemptId } of [known, unknown]) {
      await expect(finishSignIn(server.around, { ...finish, attemptId, address: ADDRESS })).rejects.toMatchObject(
        refused,
      );
    }
  });

  it('takes each attempt once and not for long', async () => {
    server.pass(3_600_000);
    const login = await startOpaqueLogin(PASSWORD, CHEAP);
    const started = await startSignIn(server.around, { name: 'bob', request: login.request, address: ADDRESS });
    server.pass(2 * 60_000);
    const finish = { attemptId: started.attemptId, message: new Uint8Array(64), address: ADDRESS };
    const binding = { key: new Uint8Array(32), mac: new Uint8Array(32) };
    await expect(finishSignIn(server.around, { ...finish, binding })).rejects.toMatchObject(refused);
    await expect(
      finishSignUp(
        server.around,
        {
          ...{ attemptId: started.attemptId, invitation: 'none', name: 'zed', keychain: ann.keychainEntries },
          password: { record: new Uint8Array(1), slotId: new Uint8Array(16), slot: new Uint8Array(1) },
          recovery: undefined,
          address: ADDRESS,
        },
        async () => undefined,
      ),
    ).rejects.toBeInstanceOf(AccountsError);
  });

  it('slows down who guesses, whether the account is there or not, and never for good', async () => {
    for (const name of ['bob', 'nobody-either']) {
      server.pass(24 * 3_600_000 * 2);
      const guess = async () => {
        const { request } = await startOpaqueLogin('guess', CHEAP);
        return await startSignIn(server.around, { name, request, address: ADDRESS });
      };
      for (let i = 0; i < 5; i++) await guess();
      await expect(guess()).rejects.toMatchObject({ code: 'too-many-tries', retryAfter: 900 });
      server.pass(3_600_000);
      await guess();
    }
    server.pass(3_600_000);
    expect(await signIn(server, 'bob')).toBeDefined();
  });

  it('counts what comes from one address also where the name is not answered any more', async () => {
    server.pass(24 * 3_600_000 * 2);
    const { request } = await startOpaqueLogin('guess', CHEAP);
    const guess = async (name: string) => await startSignIn(server.around, { name, request, address: '2001:db8::1' });
    for (let i = 0; i < 10; i++) await guess('victim').catch(() => undefined);
    await expect(guess('somebody-else')).rejects.toMatchObject({ code: 'too-many-tries', retryAfter: 60 });
  });
});

describe('signing in with the words', () => {
  async function recover(words: readonly string[], change: object = {}) {
    const { around } = server;
    const credentials = await recoveryCredentials(words);
    const challenge = await startRecovery(around, { recoveryId: credentials.recoveryId, address: ADDRESS });
    const sessionKey = systemRandom(32);
    const time = Math.floor(around.now() / 1000);
    const { seed } = credentials.keyFor(challenge.accountId);
    const { attemptId } = challenge;
    const signature = sign(seed, recoveryText({ ...challenge, time, sessionKey }));
    return { finish: { attemptId, time, sessionKey, signature, address: ADDRESS, ...change }, challenge };
  }

  it('needs nothing but the words', async () => {
    const { finish } = await recover(ann.words ?? []);
    expect((await finishRecovery(server.around, finish)).accountId).toEqual(ann.accountId);
    await expect(finishRecovery(server.around, finish)).rejects.toMatchObject(refused);
  });

  it('is not moved to another key or time, and other words learn nothing', async () => {
    server.pass(24 * 3_600_000 * 2);
    const words = ann.words ?? [];
    for (const change of [{ sessionKey: systemRandom(32) }, { time: Math.floor(server.around.now() / 1000) - 3600 }]) {
      const { finish } = await recover(words, change);
      await expect(finishRecovery(server.around, finish)).rejects.toMatchObject(refused);
    }
    const { entropyToWords } = await import('@keephold/crypto');
    const { finish, challenge } = await recover(await entropyToWords(systemRandom(32)));
    expect(challenge.accountId.length).toBe(16);
    await expect(finishRecovery(server.around, finish)).rejects.toMatchObject(refused);
  });
});

describe('another password', () => {
  it('opens from one moment on, in place of the old, and the words stay', async () => {
    server.pass(24 * 3_600_000 * 2);
    const { around } = server;
    const kept = await keptAccount('hal');
    const { accountId, unlocked } = kept.account;
    const next = 'a quite different password';
    const registration = await startOpaqueRegistration(next, CHEAP);
    const { attemptId, response } = await startPasswordChange(around, accountId, registration.request);
    const parties = { accountId, serverId: around.serverId };
    const { record, exportKey } = await registration.finish(response, parties);
    const replace = async (slot: { readonly slotId: Uint8Array; readonly record: Uint8Array }): Promise<void> => {
      const put = async (change: object): Promise<void> => {
        const keychain = kept.keychain();
        const finish = { attemptId, keychain, record, slotId: slot.slotId, slot: slot.record, address: ADDRESS };
        await finishPasswordChange(around, { ...finish, ...change });
      };
      await expect(put({ slot: PAD })).rejects.toMatchObject({ code: 'malformed' });
      await expect(put({ slotId: kept.account.slots[1]?.slotId })).rejects.toMatchObject({ code: 'malformed' });
      await expect(put({ attemptId: PAD })).rejects.toMatchObject(refused);
      expect(await signIn(server, 'hal')).toBeDefined();
      await put({});
    };
    const custody = kept.custody;
    const cost = CHEAP;
    await changeServerPassword(unlocked, {
      custody,
      exportKey,
      cost,
      replace,
      now: around.now(),
      random: systemRandom,
    });
    expect(await signIn(server, 'hal')).toBeUndefined();
    const login = await signIn(server, 'hal', next);
    const slot = await passwordSlot(around, accountId);
    const opened = await unlockWithExportKey(kept.withSlot(slot), login ?? { exportKey: PAD, serverKey: PAD });
    expect(opened.secret.ark).toEqual(unlocked.secret.ark);
    expect(listSlots(opened.keychain).map(({ method }) => method)).toEqual(['words', 'opaque']);
  });

  it('comes with new words when wanted, and words that were removed sign in no more', async () => {
    server.pass(24 * 3_600_000 * 2);
    const { around } = server;
    const kept = await keptAccount('ida');
    const { accountId, unlocked, words = [], slots } = kept.account;
    const options = { custody: kept.custody, now: around.now(), random: systemRandom };
    const grown = await addWordsSlot(unlocked, options);
    const slotId = listSlots(grown.unlocked.keychain).at(-1)?.slotId ?? PAD;
    const entry = await recoveryEntry(grown.words, accountId);
    await expect(addRecovery(around, kept.keychain(), { ...entry, slotId: PAD })).rejects.toMatchObject({
      code: 'malformed',
    });
    await addRecovery(around, kept.keychain(), { ...entry, slotId });
    await removeSlot(grown.unlocked, slots[1]?.slotId ?? PAD, options);
    await dropRecovery(around, kept.keychain());
    const old = await startRecovery(around, {
      recoveryId: (await recoveryEntry(words, accountId)).recoveryId,
      address: ADDRESS,
    });
    const now = await startRecovery(around, { recoveryId: entry.recoveryId, address: ADDRESS });
    expect([old.accountId, now.accountId].map((id) => toHex(id) === toHex(accountId))).toEqual([false, true]);
  });

  /** An account with its records in a repository's folder, as a server keeps them. */
  async function keptAccount(name: string) {
    const account = await signUp(server, { name, invitation: await server.invitation() });
    const folder = await mkdtemp(join(tmpdir(), 'keephold-accounts-'));
    const custody = await createRepositoryFolder(join(folder, name), {
      accountId: account.accountId,
      keyring: account.sealedKeyring,
      keychain: account.keychainEntries,
      slots: account.slots.slice(1),
      grants: [],
    });
    const entries = await custody.keychain(0);
    let keychain = walkKeychain(entries, recordVerifier);
    const appendKeychain = async (entry: Uint8Array) => {
      const outcome = await custody.appendKeychain(entry);
      keychain = walkKeychain(await custody.keychain(0), recordVerifier);
      return outcome;
    };
    opened.push(async () => {
      await custody[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });
    return {
      account,
      custody: overrideCustody(custody, { appendKeychain }),
      keychain: () => keychain,
      withSlot: (slot: Uint8Array | undefined) =>
        overrideCustody(custody, { slots: async () => [...(await custody.slots()), slot ?? PAD] }),
    };
  }
});

const PAD = new Uint8Array(16);

describe('a server that starts again', () => {
  it('knows its accounts, and nobody signs in without its setup', async () => {
    const path = join(tmpdir(), `keephold-accounts-${process.pid}.sqlite`);
    const setup = await createOpaqueSetup();
    const first = await testServer(path, setup);
    await signUp(first, { name: 'gil', invitation: await first.invitation() });
    await first.around.database.close();
    const second = await testServer(path, setup);
    expect(await signIn(second, 'gil')).toBeDefined();
    await second.around.database.close();
    const third = await testServer(path);
    expect(await signIn(third, 'gil')).toBeUndefined();
    await third.around.database.close();
    for (const suffix of ['', '-wal', '-shm']) await rm(path + suffix, { force: true });
  });
});
