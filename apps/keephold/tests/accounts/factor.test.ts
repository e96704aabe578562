/** A second factor as a server keeps it: what it takes, once and by whom, and what does not need it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AccountsError,
  auditEntries,
  factorOf,
  finishFactor,
  finishFactorSignIn,
  finishRecovery,
  removeFactor,
  renewRecoveryCodes,
  type SignedIn,
  startFactor,
  startRecovery,
} from '@keephold/accounts';
import { decodeCbor, toHex } from '@keephold/bytes';
import { sign, systemRandom } from '@keephold/crypto';
import { createOpaqueSetup } from '@keephold/crypto/opaque';
import { openPostgres, type SqlDatabase, SqliteDatabase } from '@keephold/custody/sql';
import type { AccountId } from '@keephold/protocol';
import { recoveryText } from '@keephold/protocol';
import { hasPostgres, postgresNote, startPostgres } from '@keephold/testkit';
import { recoveryCredentials } from '@keephold/vault';
import { expect, it } from 'vitest';
import { ADDRESS, codeAt, factorAttempt, signIn, signUp, type TestServer, testServer } from './_server.ts';

const STEP = 30_000;
const refused = { code: 'factor-refused' };

interface Enrolled {
  readonly accountId: AccountId;
  readonly secret: Uint8Array;
  readonly recoveryCodes: readonly string[];
}

/** As an owner does it who has signed in. The step of its code is over. */
async function enrol(server: TestServer, accountId: AccountId): Promise<Enrolled> {
  const { around } = server;
  const { attemptId, secret, recoveryCodes } = await startFactor(around, accountId);
  const code = codeAt(secret, around.now());
  await finishFactor(around, { accountId, attemptId, code, address: ADDRESS });
  server.pass(STEP);
  return { accountId, secret, recoveryCodes: recoveryCodes.map(toHex) };
}

async function account(server: TestServer, name: string) {
  return await signUp(server, { name, invitation: await server.invitation() });
}

async function show({ around }: TestServer, attemptId: Uint8Array, code: string): Promise<SignedIn> {
  return await finishFactorSignIn(around, { attemptId, code, address: ADDRESS });
}

async function logOf({ around }: TestServer, accountId: AccountId): Promise<readonly unknown[]> {
  const entries = await around.database.read(async (sql) => await auditEntries(sql, accountId, 0));
  return entries.map((entry) => (decodeCbor(entry) as ReadonlyMap<number, unknown>).get(5));
}

it('is wanted after the password once a code was shown, and takes each code once', async () => {
  const server = await testServer();
  const { accountId } = await account(server, 'ann');
  const { around } = server;
  const { attemptId, secret } = await startFactor(around, accountId);
  expect(await signIn(server, 'ann')).toBeDefined();
  const proof = { accountId, attemptId, address: ADDRESS };
  const right = codeAt(secret, around.now());
  await expect(finishFactor(around, { ...proof, code: codeAt(secret, 0) })).rejects.toMatchObject(refused);
  const stranger = (await account(server, 'bob')).accountId;
  await expect(finishFactor(around, { ...proof, accountId: stranger, code: right })).rejects.toThrow('sign in');
  await finishFactor(around, { ...proof, code: right });
  await expect(startFactor(around, accountId)).rejects.toMatchObject({ code: 'factor-exists' });

  // What it was added with is no code for signing in.
  const first = await factorAttempt(server, 'ann');
  await expect(show(server, first, right)).rejects.toMatchObject(refused);
  server.pass(STEP);
  const next = codeAt(secret, around.now());
  expect((await show(server, first, next)).accountId).toEqual(accountId);
  await expect(show(server, first, codeAt(secret, around.now() + STEP))).rejects.toMatchObject({
    code: 'sign-in-refused',
  });
  const second = await factorAttempt(server, 'ann');
  await expect(show(server, second, next)).rejects.toMatchObject(refused);
  server.pass(STEP);
  expect((await show(server, second, codeAt(secret, around.now()))).method).toBe('password');
  expect(await logOf(server, accountId)).toEqual([
    ...['signed-up', 'signed-in', 'factor-added', 'factor-asked', 'factor-refused', 'signed-in'],
    ...['factor-asked', 'factor-refused', 'signed-in'],
  ]);
  const late = await factorAttempt(server, 'ann');
  server.pass(5 * 60_000);
  await expect(show(server, late, codeAt(secret, around.now()))).rejects.toMatchObject({ code: 'sign-in-refused' });
  await around.database.close();
});

it('takes each recovery code once, lets the words in without one, and is gone when it is removed', async () => {
  const server = await testServer();
  const made = await account(server, 'ann');
  const { around } = server;
  const { accountId, recoveryCodes } = await enrol(server, made.accountId);
  expect(new Set(recoveryCodes).size).toBe(10);
  const code = recoveryCodes[3] ?? '';
  await show(server, await factorAttempt(server, 'ann'), code);
  const again = await factorAttempt(server, 'ann');
  await expect(show(server, again, code)).rejects.toMatchObject(refused);
  await show(server, again, recoveryCodes[4] ?? '');
  expect((await factorOf(around, accountId)).codesLeft).toBe(8);
  // Those of somebody else are no use.
  const other = await account(server, 'bob');
  await enrol(server, other.accountId);
  await expect(show(server, await factorAttempt(server, 'bob'), recoveryCodes[0] ?? '')).rejects.toMatchObject(refused);

  const credentials = await recoveryCredentials(made.words ?? []);
  const { recoveryId } = credentials;
  const challenge = await startRecovery(around, { recoveryId, address: ADDRESS });
  const sessionKey = systemRandom(32);
  const time = Math.floor(around.now() / 1000);
  const signature = sign(credentials.keyFor(accountId).seed, recoveryText({ ...challenge, time, sessionKey }));
  const { attemptId } = challenge;
  const session = await finishRecovery(around, { attemptId, time, sessionKey, signature, address: ADDRESS });
  expect(session.method).toBe('words');

  const waiting = await factorAttempt(server, 'ann');
  expect(await removeFactor(around, accountId, ADDRESS)).toBe(true);
  expect(await removeFactor(around, accountId, ADDRESS)).toBe(false);
  await expect(show(server, waiting, recoveryCodes[0] ?? '')).rejects.toMatchObject(refused);
  expect(await factorOf(around, accountId)).toEqual({ since: undefined, codesLeft: 0 });
  expect(await signIn(server, 'ann')).toBeDefined();
  expect((await logOf(server, accountId)).slice(-3)).toEqual(['factor-removed', 'factor-refused', 'signed-in']);
  await around.database.close();
});

it('makes other recovery codes, after which the ones before do nothing', async () => {
  const server = await testServer();
  const { around } = server;
  const made = await account(server, 'ann');
  expect(await renewRecoveryCodes(around, made.accountId, ADDRESS)).toBeUndefined();
  const { accountId, secret, recoveryCodes } = await enrol(server, made.accountId);
  const other = await enrol(server, (await account(server, 'bob')).accountId);
  await show(server, await factorAttempt(server, 'ann'), recoveryCodes[0] ?? '');
  expect((await factorOf(around, accountId)).codesLeft).toBe(9);
  const renewed = ((await renewRecoveryCodes(around, accountId, ADDRESS)) ?? []).map(toHex);
  expect(new Set([...renewed, ...recoveryCodes]).size).toBe(20);
  expect((await factorOf(around, accountId)).codesLeft).toBe(10);
  const attempt = await factorAttempt(server, 'ann');
  await expect(show(server, attempt, recoveryCodes[1] ?? '')).rejects.toMatchObject(refused);
  await show(server, attempt, renewed[9] ?? '');
  server.pass(STEP);
  await show(server, await factorAttempt(server, 'ann'), codeAt(secret, around.now()));
  await show(server, await factorAttempt(server, 'bob'), other.recoveryCodes[1] ?? '');
  expect(await logOf(server, accountId)).toContain('factor-codes');
  await around.database.close();
});

it('slows down who guesses codes with the right password, and never for good', async () => {
  const server = await testServer();
  const { around } = server;
  const { accountId, secret } = await enrol(server, (await account(server, 'ann')).accountId);
  const attempt = await factorAttempt(server, 'ann');
  const wrong = codeAt(secret, around.now() + 100 * STEP);
  for (let i = 0; i < 5; i++) await expect(show(server, attempt, wrong)).rejects.toMatchObject(refused);
  const limited = { code: 'too-many-tries', retryAfter: 900 };
  await expect(show(server, attempt, wrong)).rejects.toMatchObject(limited);
  // The right one is not looked at either.
  await expect(show(server, attempt, codeAt(secret, around.now()))).rejects.toMatchObject(limited);
  expect((await logOf(server, accountId)).filter((type) => type === 'factor-refused')).toHaveLength(5);
  server.pass(3_600_000);
  const later = await factorAttempt(server, 'ann');
  expect((await show(server, later, codeAt(secret, around.now()))).accountId).toEqual(accountId);
  await around.database.close();
});

/** What became of each code that two processes were given at once. */
async function racesOn(open: () => Promise<SqlDatabase>): Promise<readonly (readonly string[])[]> {
  const setup = await createOpaqueSetup();
  const one = await testServer(await open(), setup);
  const two = await testServer(await open(), setup);
  const { secret, recoveryCodes } = await enrol(one, (await account(one, 'ann')).accountId);
  two.pass(one.around.now() - two.around.now());
  const races: string[][] = [];
  for (const code of [codeAt(secret, one.around.now()), recoveryCodes[0] ?? '']) {
    const [here, there] = [await factorAttempt(one, 'ann'), await factorAttempt(two, 'ann')];
    const race = await Promise.allSettled([show(one, here, code), show(two, there, code)]);
    const outcomes = race.map((ended) => (ended.status === 'rejected' ? codeOf(ended.reason) : 'signed in'));
    races.push(outcomes.toSorted());
  }
  await one.around.database.close();
  await two.around.database.close();
  return races;
}

function codeOf(error: unknown): string {
  return error instanceof AccountsError ? error.code : String(error);
}

const onceEach = [
  ['factor-refused', 'signed in'],
  ['factor-refused', 'signed in'],
];

it('of two processes with one database lets one take a code', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keephold-factor-'));
  const open = async (): Promise<SqlDatabase> => await SqliteDatabase.open(join(folder, 'accounts.sqlite'), 'durable');
  expect(await racesOn(open)).toEqual(onceEach);
  await rm(folder, { recursive: true, force: true });
});

it.skipIf(!hasPostgres)(`of two processes with one PostgreSQL lets one take a code${postgresNote}`, async () => {
  await using cluster = await startPostgres();
  const url = await cluster.newDatabase();
  expect(await racesOn(async () => await openPostgres({ url, random: () => 0.5 }))).toEqual(onceEach);
});
