/** The conformance suite of the Custody seam through real HTTP, with every database and storage that a server may have. */
import { custodySuite, hasPostgres, type PostgresCluster, startPostgres } from '@keephold/testkit';
import { afterAll, beforeAll, describe } from 'vitest';
import { serverPairs, usePair } from './_server-places.ts';
import { createTestServer } from './_test-server.ts';

describe('a server with', () => {
  let cluster: PostgresCluster | undefined;
  beforeAll(async () => {
    if (hasPostgres) cluster = await startPostgres();
  }, 60_000);
  afterAll(async () => await cluster?.[Symbol.asyncDispose]());

  for (const pair of serverPairs) {
    const { database, storage, lacking } = pair;
    // One folder with everything in it has a test file of its own.
    if (database === 'SQLite' && storage === 'a folder') continue;
    describe.skipIf(lacking !== '')(`${database} and ${storage}${lacking}`, () => {
      custodySuite('over HTTP', async (account) => {
        const used = await usePair(pair, cluster);
        const test = await createTestServer({ parts: used.open, earlyPurge: 'allowed' });
        await test.signUp(account);
        return {
          custody: await test.ownerOf(account),
          reopen: async () => await test.ownerOf(account),
          [Symbol.asyncDispose]: async () => {
            await test[Symbol.asyncDispose]();
            await used[Symbol.asyncDispose]();
          },
        };
      });
    });
  }
});
