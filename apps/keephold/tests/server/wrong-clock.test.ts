/** A computer whose clock is wrong backs up and acts for its owner all the same: what counts is the server's clock. */
import { createAccountFixture, createPack, storeSnapshot } from '@keephold/testkit';
import { expect, it } from 'vitest';
import { createTestServer } from './_test-server.ts';

const DAY = 86_400_000;

it.each([
  ['ahead', DAY],
  ['behind', -DAY],
])('a device and an owner whose clock is a day %s sign in, store and read', async (_, ahead) => {
  const account = createAccountFixture();
  await using test = await createTestServer();
  await test.signUp(account);
  const client = test.clientOf(account, { ahead });
  const { head } = await storeSnapshot(client, account, { packs: [createPack(account.vault, 1, 1)] });
  expect(await client.head(account.vault)).toEqual(head);
  const [snapshot] = await client.snapshots(account.vault);
  // What is kept, and for how long, goes by the clock of the server.
  expect(Math.abs((snapshot?.receivedAt ?? 0) - Date.now())).toBeLessThan(DAY / 2);
  const owner = await test.ownerOf(account, ahead);
  expect(await owner.slots()).toHaveLength(account.slots.length);
});
