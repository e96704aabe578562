/** Who sends next to nothing: heads and bodies that trickle in are ended, and nobody else waits for them. */
import { connect, type Socket } from 'node:net';
import { toHex } from '@keephold/bytes';
import { createAccountFixture, createPack } from '@keephold/testkit';
import { expect, it } from 'vitest';
import { sendByNode } from '../../src/access/send-by-node.ts';
import { deviceSession, signedRequest } from './_signed-requests.ts';
import { createTestServer, type TestServer } from './_test-server.ts';

function connected(test: TestServer): { readonly socket: Socket; readonly answer: Promise<string> } {
  const socket = connect(Number(new URL(test.server.url).port), '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  return { socket, answer: new Promise((resolve) => socket.once('close', () => resolve(text))) };
}

it('ends heads that do not get on', async () => {
  await using test = await createTestServer({ patience: { heads: 300, bodies: 60_000 } });
  const { socket, answer } = connected(test);
  const trickle = setInterval(() => socket.write('X: y\r\n'), 50);
  socket.write('GET /health HTTP/1.1\r\nHost: x\r\n');
  expect(await answer).toMatch(/^HTTP\/1.1 408 /);
  clearInterval(trickle);
});

it('ends bodies of strangers and of devices that do not get on, and others store meanwhile', async () => {
  const [account, other] = [createAccountFixture(), createAccountFixture()];
  await using test = await createTestServer({ patience: { heads: 60_000, bodies: 500 }, packsAtOnce: 3 });
  await test.signUp(account);
  await test.signUp(other);
  const session = await deviceSession(test, account);
  const pack = createPack(account.vault, 1, 64);
  const target = `/v1/vaults/${toHex(account.vault)}/packs/${toHex(pack.id)}`;
  const held = Array.from({ length: 3 }, () => {
    const { headers } = signedRequest(test, session, { method: 'PUT', target });
    const { authorization, dpop } = headers as Record<string, string>;
    const { socket, answer } = connected(test);
    const host = new URL(test.server.url).host;
    const lines = [`PUT ${target} HTTP/1.1`, `Host: ${host}`, `Authorization: ${authorization}`, `DPoP: ${dpop}`];
    socket.write(`${lines.join('\r\n')}\r\nContent-Length: ${pack.bytes.length}\r\n\r\n`);
    const trickle = setInterval(() => socket.write('x'), 20);
    return answer.finally(() => clearInterval(trickle));
  });
  const free = createPack(other.vault, 1, 1);
  await test.clientOf(other).putPack(other.vault, free.id, free.bytes);
  for (const answer of await Promise.all(held)) expect(answer).toMatch(/^HTTP\/1.1 408 [^]*"code":"too-slow"/);
  // The memory is there again, and so is what was sent badly, once it is sent well.
  await test.clientOf(account).putPack(account.vault, pack.id, pack.bytes);
  expect(await test.clientOf(account).referablePacks(account.vault)).toEqual(new Uint8Array(pack.id));
});

it('lets packs wait for others that come by a thin line, for longer than silence may last', async () => {
  const account = createAccountFixture();
  const tries: string[] = [];
  const byNode = sendByNode();
  await using test = await createTestServer({
    patience: { heads: 60_000, bodies: 60_000, silence: 1000 },
    packsAtOnce: 1,
    send: async (request) => {
      tries.push(request.method);
      return await byNode(request);
    },
  });
  await test.signUp(account);
  const session = await deviceSession(test, account);
  const [slow, waiting] = [createPack(account.vault, 1, 64), createPack(account.vault, 1, 64)];
  const target = `/v1/vaults/${toHex(account.vault)}/packs/${toHex(slow.id)}`;
  const { headers } = signedRequest(test, session, { method: 'PUT', target });
  const { authorization, dpop } = headers as Record<string, string>;
  const { socket, answer } = connected(test);
  const lines = [`PUT ${target} HTTP/1.1`, `Host: ${new URL(test.server.url).host}`, 'Connection: close'];
  lines.push(`Authorization: ${authorization}`, `DPoP: ${dpop}`, `Content-Length: ${slow.bytes.length}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  const step = Math.ceil(slow.bytes.length / 30);
  let at = 0;
  const line = setInterval(() => {
    socket.write(slow.bytes.subarray(at, at + step));
    at += step;
    if (at >= slow.bytes.length) clearInterval(line);
  }, 100);
  await test.clientOf(account).putPack(account.vault, waiting.id, waiting.bytes);
  expect(await answer).toMatch(/^HTTP\/1.1 2/);
  expect(tries.filter((method) => method === 'PUT')).toEqual(['PUT']);
});
