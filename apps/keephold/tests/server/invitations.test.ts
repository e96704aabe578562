/** Invitations that nobody has used yet, as an admin sees and withdraws them. */
import { startSignUp } from '@keephold/accounts';
import { invitationsOf, inviteTo, withdrawInvitationOn } from '@keephold/client';
import { startOpaqueRegistration } from '@keephold/crypto/opaque';
import { createAccountFixture } from '@keephold/testkit';
import { expect, it } from 'vitest';
import { ADDRESS, CHEAP, PASSWORD } from '../accounts/_server.ts';
import { createTestServer } from './_test-server.ts';

it('an invitation that was withdrawn makes no account, and the others stay as they are', async () => {
  await using test = await createTestServer();
  const admin = createAccountFixture();
  await test.signUp(admin);
  const { surroundings } = test;
  await surroundings.database.transaction(async (sql) => {
    const text = 'INSERT INTO account (account_id, name, created_at, admin) VALUES (?, ?, ?, 1)';
    await sql.query(text, admin.accountId, 'admin', 0);
  });
  const { transport } = await test.unlockedOf(admin);
  // That of the first start is among them.
  const before = (await invitationsOf(transport)).map(({ id }) => id);
  const withdrawn = await inviteTo(transport, 7);
  const open = await invitationsOf(transport);
  const { id = '' } = open.find((one) => !before.includes(one.id)) ?? {};
  expect(JSON.stringify(open)).not.toContain(withdrawn.code);
  const kept = await inviteTo(transport, 7);
  await withdrawInvitationOn(transport, id);
  await expect(withdrawInvitationOn(transport, id)).rejects.toMatchObject({ problem: 'not-found' });
  expect(await invitationsOf(transport)).toHaveLength(before.length + 1);
  const { request } = await startOpaqueRegistration(PASSWORD, CHEAP);
  const signUp = async ({ code: invitation }: { readonly code: string }) =>
    await startSignUp(surroundings, { invitation, request, address: ADDRESS });
  await expect(signUp(withdrawn)).rejects.toMatchObject({ code: 'sign-up-refused' });
  expect((await signUp(kept)).attemptId).toHaveLength(32);
});
