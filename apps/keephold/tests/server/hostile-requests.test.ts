/** What strangers, thieves and broken clients send: over raw sockets, and with proofs that do not fit. */
import { connect } from 'node:net';
import { toBase64Url, toHex } from '@keephold/bytes';
import {
  type AccountFixture,
  createAccountFixture,
  createObject,
  createPack,
  type FixtureDevice,
} from '@keephold/testkit';
import { expect, it } from 'vitest';
import { deviceSession, sha256Text, signedRequest } from './_signed-requests.ts';
import { createTestServer, type TestServer } from './_test-server.ts';

async function withAccount(work: (test: TestServer, account: AccountFixture) => Promise<void>): Promise<void> {
  const account = createAccountFixture();
  await using test = await createTestServer();
  await test.signUp(account);
  await work(test, account);
}

/** Sends bytes as they are and answers the first line, or '' when the server hangs up without one. */
async function raw(test: TestServer, parts: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = connect(Number(new URL(test.server.url).port), '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    socket.end();
  });
  socket.on('error', () => {});
  for (const part of parts) socket.write(part);
  await new Promise((resolve) => socket.once('close', resolve));
  return text.split('\r\n')[0] ?? '';
}

it('refuses replayed, foreign, old and misdirected proofs, and bodies that are not the ones signed', async () => {
  await withAccount(async (test, account) => {
    const session = await deviceSession(test, account);
    const target = '/v1/account';
    const status = async (init: RequestInit, path = target): Promise<number> =>
      (await fetch(test.server.url + path, init)).status;
    const good = signedRequest(test, session, { method: 'GET', target });
    expect(await status(good)).toBe(200);
    expect(await status(good)).toBe(401);
    const seconds = Math.floor(Date.now() / 1000);
    for (const change of [
      { iat: seconds - 3600 },
      { iat: seconds + 3600 },
      { htm: 'POST' },
      { htu: `https://elsewhere.example${target}` },
      { ath: sha256Text('another token') },
    ]) {
      expect(await status(signedRequest(test, session, { method: 'GET', target, change }))).toBe(401);
    }
    const [stranger] = createAccountFixture().devices;
    const thief = { ...session, ...stranger };
    expect(await status(signedRequest(test, thief, { method: 'GET', target }))).toBe(401);
    const read = `/v1/vaults/${toHex(account.vault)}/objects/read`;
    const init = signedRequest(test, session, { method: 'POST', target: read, body: new Uint8Array(32) });
    expect(await status({ ...init, body: new Uint8Array(64) }, read)).toBe(401);
  });
});

it('lets a device that only backs up reach its own routes and nothing else', async () => {
  await withAccount(async (test, account) => {
    const device = test.clientOf(account);
    const object = createObject();
    await device.putObject(account.vault, object.name, object.bytes);
    expect(await device.head(account.vault)).toMatchObject({ seq: 0 });
    const id = new Uint8Array(16);
    for (const refused of [
      async () => await device.slots(),
      async () => await device.putSlot(id, id),
      async () => await device.removeSlot(id),
      async () => await device.keyring(),
      async () => await device.putKeyring(id),
      async () => await device.putGrant(object.name, object.bytes),
      async () => await device.trash(account.vault, [1]),
      async () => await device.collect(account.vault, {}),
      async () => await device.head(createAccountFixture().vault),
    ]) {
      await expect(refused()).rejects.toMatchObject({ problem: 'forbidden' });
    }
  });
});

it('keeps accounts apart, deletes nothing early, and says the same of an account that is not there', async () => {
  await withAccount(async (test, account) => {
    const other = createAccountFixture();
    await test.signUp(other);
    const owner = await test.ownerOf(other);
    await expect(owner.head(account.vault)).rejects.toMatchObject({ code: 'refused' });
    for (const early of [{ trashDays: 0 }, { purgeDays: 6 }]) {
      await expect(owner.collect(other.vault, early)).rejects.toThrow('before the delays');
    }
    const absent = createAccountFixture();
    const stranger = { ...account, devices: other.devices };
    const messages: string[] = [];
    for (const who of [absent, stranger]) {
      const error: unknown = await test
        .clientOf(who)
        .accountId()
        .then(async () => await test.clientOf(who).usage(account.vault))
        .catch((e: unknown) => e);
      messages.push((error as Error).message);
    }
    expect(messages[0]).toBe(messages[1]);
    expect(messages[0]).toContain('session');
  });
});

it('signs for no other server than the one it knows', async () => {
  await withAccount(async (test, account) => {
    const client = test.clientOf(account, { serverId: new Uint8Array(16) });
    await expect(client.head(account.vault)).rejects.toMatchObject({ code: 'refused' });
  });
});

it('answers what is malformed, oversized or nowhere with a problem, and goes on', async () => {
  await withAccount(async (test, account) => {
    const host = 'Host: x\r\n';
    expect(await raw(test, ['NOT HTTP\r\n\r\n'])).toContain('400');
    expect(await raw(test, [`GET /health HTTP/1.1\r\n${host}X: ${'a'.repeat(40_000)}\r\n\r\n`])).toMatch(/431|400/);
    expect(await raw(test, [`GET /v1/nowhere HTTP/1.1\r\n${host}\r\n`])).toContain('404');
    expect(await raw(test, [`POST /v1/sessions HTTP/1.1\r\n${host}Content-Length: 900000000\r\n\r\n{`])).toContain(
      '413',
    );
    expect(await raw(test, [`POST /v1/sessions HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\n{{{`])).toContain('400');
    expect(
      await raw(test, [`POST /v1/sessions HTTP/1.1\r\n${host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`]),
    ).toContain('400');
    expect(await raw(test, [`GET /v1/vaults/../../etc/head HTTP/1.1\r\n${host}\r\n`])).toMatch(/400|404/);
    const chunk = 'x'.repeat(65_536);
    const flood = Array.from({ length: 20 }, () => `10000\r\n${chunk}\r\n`);
    expect(
      await raw(test, [`POST /v1/sign-up/finish HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`, ...flood]),
    ).toMatch(/413|^$/);
    expect((await test.clientOf(account).head(account.vault)).seq).toBe(0);
  });
});

it('stores nothing of an upload whose client vanishes, and all of it when it comes again', async () => {
  await withAccount(async (test, account) => {
    const pack = createPack(account.vault, 1, 64);
    const session = await deviceSession(test, account);
    const target = `/v1/vaults/${toHex(account.vault)}/packs/${toHex(pack.id)}`;
    const { headers } = signedRequest(test, session, { method: 'PUT', target });
    const { authorization, dpop } = headers as Record<string, string>;
    const port = Number(new URL(test.server.url).port);
    const socket = connect(port, '127.0.0.1');
    const head = `PUT ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: ${authorization}\r\nDPoP: ${dpop}\r\n`;
    socket.write(`${head}Content-Length: ${pack.bytes.length}\r\n\r\n`);
    await new Promise<void>((resolve) => void socket.write(pack.bytes.subarray(0, 1_000_000), () => resolve()));
    socket.destroy();
    const client = test.clientOf(account);
    expect(await client.referablePacks(account.vault)).toEqual(new Uint8Array(0));
    await client.putPack(account.vault, pack.id, pack.bytes);
    expect(await client.referablePacks(account.vault)).toEqual(new Uint8Array(pack.id));
    const other = createPack(account.vault, 1, 1);
    await expect(client.putPack(account.vault, pack.id, other.bytes)).rejects.toMatchObject({ code: 'refused' });
  });
});

it('logs no id, token, name or path', async () => {
  await withAccount(async (test, account) => {
    const client = test.clientOf(account);
    const pack = createPack(account.vault, 1, 1);
    await client.putPack(account.vault, pack.id, pack.bytes);
    await client.head(createAccountFixture().vault).catch(() => {});
    await test.ownerOf(account);
    const session = await deviceSession(test, account);
    await fetch(`${test.server.url}/v1/secret-path?query=secret`, { headers: { authorization: session.token } });
    const log = test.lines.join('');
    expect(log).toContain('"route":"/v1/vaults/:vault/packs/:pack"');
    const ids = [account.accountId, account.vault, pack.id, (account.devices[0] as FixtureDevice).deviceId];
    for (const id of ids) for (const form of [toHex(id), toBase64Url(id)]) expect(log).not.toContain(form);
    for (const word of [session.token, 'secret', test.folder, 'DPoP']) expect(log).not.toContain(word);
  });
});
