/** How a server ends, and what it says of itself. */
import { Agent, get, type IncomingMessage } from 'node:http';
import { routes } from '@keephold/protocol/http';
import { createAccountFixture, createPack } from '@keephold/testkit';
import { expect, it } from 'vitest';
import { createTestServer } from './_test-server.ts';

async function fetchBy(agent: Agent, url: string): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      response.resume();
      response.once('end', () => resolve(response));
    }).once('error', reject);
  });
}

it('lets running uploads end and sends new requests away with Retry-After', async () => {
  const account = createAccountFixture();
  const waiting = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  await using test = await createTestServer({
    beforePack: async () => {
      reached.resolve();
      await waiting.promise;
    },
  });
  await test.signUp(account);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  expect((await fetchBy(agent, `${test.server.url}/health`)).statusCode).toBe(200);
  const client = test.clientOf(account);
  const pack = createPack(account.vault, 1, 1);
  const upload = client.putPack(account.vault, pack.id, pack.bytes);
  await reached.promise;
  const stopped = test.server.stop();
  const refused = await fetchBy(agent, `${test.server.url}/v1/account`);
  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '5']);
  expect((await fetchBy(agent, `${test.server.url}/health`)).statusCode).toBe(503);
  waiting.resolve();
  await upload;
  await stopped;
  agent.destroy();
});

it('describes every route in its OpenAPI document, and shows it on a page that loads nothing', async () => {
  await using test = await createTestServer();
  const response = await fetch(`${test.server.url}/v1/openapi.json`);
  const { paths } = (await response.json()) as { readonly paths: Record<string, Record<string, unknown>> };
  const operations = Object.values(paths).flatMap((path) => Object.values(path));
  expect(operations).toHaveLength(Object.keys(routes).length);
  const page = await (await fetch(`${test.server.url}/v1/reference`)).text();
  for (const { path } of Object.values(routes)) expect(page).toContain(path);
  expect(page).not.toMatch(/src=|https?:/);
});
