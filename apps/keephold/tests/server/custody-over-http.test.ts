/** The conformance suite of the Custody seam, through real HTTP to a server with folders. */
import { custodySuite } from '@keephold/testkit';
import { createTestServer } from './_test-server.ts';

custodySuite('a server over HTTP', async (account) => {
  const test = await createTestServer({ earlyPurge: 'allowed' });
  await test.signUp(account);
  return {
    custody: await test.ownerOf(account),
    reopen: async () => await test.ownerOf(account),
    [Symbol.asyncDispose]: async () => await test[Symbol.asyncDispose](),
  };
});
