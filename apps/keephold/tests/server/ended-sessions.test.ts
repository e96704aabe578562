/** What ends the sessions of an account ends them at every process that shares the database. */
import { routes } from '@keephold/protocol/http';
import { type AccountFixture, createAccountFixture, type FixtureDevice } from '@keephold/testkit';
import { expect, it } from 'vitest';
import { deviceSession, type RawSession, signedRequest } from './_signed-requests.ts';
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
