/** The conformance suite of the Custody seam, through real HTTP to a server with folders. */
import { custodySuite } from '@keephold/testkit';
import { sendByNode } from '../../src/access/send-by-node.ts';
import { createTestServer } from './_test-server.ts';

for (const [by, send] of [
  ['fetch', undefined],
  ['sockets of Node', sendByNode()],
] as const)
  custodySuite(`a server over HTTP, by ${by}`, async (account) => {
    const test = await createTestServer({ earlyPurge: 'allowed', ...(send !== undefined && { send }) });
    await test.signUp(account);
    return {
      custody: await test.ownerOf(account),
      reopen: async () => await test.ownerOf(account),
      [Symbol.asyncDispose]: async () => await test[Symbol.asyncDispose](),
    };
  });
