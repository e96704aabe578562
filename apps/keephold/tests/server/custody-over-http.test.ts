/** The conformance suite of the Custody seam, through real HTTP to a server with folders. */
import { custodySuite } from '@keephold/testkit';
import { createTestServer } from './_test-server.ts';

custodySuite('a server over HTTP', async (account) => {
  const test = await createTestServer();
  await test.signUp(account);
  return {
    custody: test.clientOf(account),
    reopen: async () => await Promise.resolve(test.clientOf(account)),
    [Symbol.asyncDispose]: async () => await test[Symbol.asyncDispose](),
  };
});
