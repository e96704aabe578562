/** What ends the sessions of an account ends them at every process that shares the database. */

import { auditEntries, openSessions } from '@keephold/accounts';
import { decodeCbor } from '@keephold/bytes';
import { endSessionOn, sessionsOf } from '@keephold/client';
import { routes } from '@keephold/protocol/http';
import { type AccountFixture, createAccountFixture, type FixtureDevice } from '@keephold/testkit';
import { expect, it } from 'vitest';
import { deviceSession, ownerSession, type RawSession, signedRequest } from './_signed-requests.ts';
import { createTestServer, type TestServer } from './_test-server.ts';

const target = `${routes.keychain.path}?from=0`;

async function statusOf(test: TestServer, session: RawSession): Promise<number> {
  const response = await fetch(test.server.url + target, signedRequest(test, session, { method: 'GET', target }));
  await response.arrayBuffer();
  return response.status;
}

async function revokeDevice(test: TestServer, account: AccountFixture): Promise<void> {
  const { deviceId } = account.devices[0] as FixtureDevice;
  const owner = await test.ownerOf(account);
  await owner.appendKeychain(account.nextEntry({ kind: 'revoke-device', deviceId }));
  // Who did it goes on.
  expect(await owner.keychain(0)).toHaveLength(account.keychain.length);
}

it('a device that is revoked at one process is refused by the others, seconds later', async () => {
  let time = Date.now();
  await using test = await createTestServer({ now: () => time });
  const account = createAccountFixture();
  await test.signUp(account);
  const other = { ...test, server: await test.another() };
  const session = await deviceSession(other, account);
  expect(await statusOf(other, session)).toBe(200);
  await revokeDevice(test, account);
  time += 5000;
  expect(await statusOf(other, session)).toBe(401);
  expect(await statusOf(other, session)).toBe(401);
});

it('a device that is revoked while it is looked up gets no session that works', async () => {
  await using test = await createTestServer();
  const account = createAccountFixture();
  await test.signUp(account);
  let revoking: Promise<void> | undefined;
  const server = await test.another(async () => await (revoking ??= revokeDevice(test, account)));
  const other = { ...test, server };
  const session = await deviceSession(other, account);
  expect(await statusOf(other, session)).toBe(401);
});

it('a session that its owner ends is refused at every process at once, and no other one is', async () => {
  await using test = await createTestServer();
  const [account, stranger] = [createAccountFixture(), createAccountFixture()];
  await test.signUp(account);
  await test.signUp(stranger);
  const other = { ...test, server: await test.another() };
  const thief = await ownerSession(other, account);
  const elsewhere = await ownerSession(other, stranger);
  for (const session of [thief, elsewhere]) expect(await statusOf(other, session)).toBe(200);

  const { transport } = await test.unlockedOf(account);
  const sessions = await sessionsOf(transport);
  expect(sessions.map(({ isThis, method, from }) => [isThis, method, from])).toEqual([
    [false, 'words', '127.0.0.0/24'],
    [true, 'words', '127.0.0.0/24'],
  ]);
  await endSessionOn(transport, sessions[0]?.sessionId ?? new Uint8Array());
  expect(await statusOf(other, thief)).toBe(401);
  expect(await statusOf(other, thief)).toBe(401);
  expect(await statusOf(other, elsewhere)).toBe(200);
  expect(await sessionsOf(transport)).toHaveLength(1);
  const [theirs] = await openSessions(test.surroundings, stranger.accountId);
  for (const sessionId of [theirs?.sessionId, sessions[0]?.sessionId]) {
    await expect(endSessionOn(transport, sessionId ?? new Uint8Array())).rejects.toMatchObject({
      problem: 'not-found',
    });
  }
  expect(await statusOf(other, elsewhere)).toBe(200);
  const { database } = test.surroundings;
  const log = await database.read(async (sql) => await auditEntries(sql, account.accountId, 0));
  const types = log.map((entry) => (decodeCbor(entry) as ReadonlyMap<number, unknown>).get(5));
  expect(types.filter((type) => type === 'session-ended')).toHaveLength(1);
});

it('a list of sessions has those that a changed keychain left, and none whose time is over', async () => {
  let time = Date.now();
  await using test = await createTestServer({ now: () => time });
  const account = createAccountFixture();
  await test.signUp(account);
  await ownerSession(test, account);
  await revokeDevice(test, account);
  const open = async (): Promise<number> => (await openSessions(test.surroundings, account.accountId)).length;
  expect(await open()).toBe(1);
  time += 15 * 60_000;
  expect(await open()).toBe(0);
});
