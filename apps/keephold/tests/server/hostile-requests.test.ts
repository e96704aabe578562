/** What strangers, thieves and broken clients send: over raw sockets, and with proofs that do not fit. */
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { toBase64Url, toHex } from '@keephold/bytes';
import { encodeProof, routes, sessionSigningInput } from '@keephold/protocol/http';
import {
  type AccountFixture,
  createAccountFixture,
  createObject,
  createPack,
  type FixtureDevice,
} from '@keephold/testkit';
import { expect, it } from 'vitest';
import { createTestServer, type TestServer } from './_test-server.ts';

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('base64url');

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

interface SignOptions {
  readonly method: string;
  readonly target: string;
  readonly body?: Uint8Array;
  readonly change?: Readonly<Record<string, unknown>>;
}

async function sessionOf(test: TestServer, account: AccountFixture): Promise<string> {
  const device = account.devices[0] as FixtureDevice;
  const post = async (path: string, body?: object): Promise<Record<string, string>> => {
    const response = await fetch(test.server.url + path, {
      method: 'POST',
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return (await response.json()) as Record<string, string>;
  };
  const { nonce = '' } = await post(routes.challenge.path);
  const time = Math.floor(Date.now() / 1000);
  const { serverId } = test;
  const text = { serverId, deviceId: device.deviceId, nonce: new Uint8Array(Buffer.from(nonce, 'base64url')), time };
  const request = {
    accountId: toBase64Url(account.accountId),
    deviceId: toBase64Url(device.deviceId),
    nonce,
    time,
    signature: toBase64Url(device.sign(sessionSigningInput(text))),
  };
  const { token = '' } = await post(routes.openDeviceSession.path, request);
  expect((await post(routes.openDeviceSession.path, request))['code']).toBe('unauthenticated');
  return token;
}

function signed(test: TestServer, account: AccountFixture, token: string, options: SignOptions): RequestInit {
  const { method, target, body, change } = options;
  const device = account.devices[0] as FixtureDevice;
  const claims = {
    htm: method,
    htu: test.server.url + target,
    iat: Math.floor(Date.now() / 1000),
    jti: randomBytes(18).toString('base64url'),
    ath: sha256(token),
    ...(body !== undefined && { cd: sha256(body) }),
    ...change,
  };
  const dpop = encodeProof({ claims, publicKey: device.publicKey, sign: device.sign });
  const headers = { authorization: `DPoP ${token}`, dpop };
  return { method, headers, ...(body !== undefined && { body: body as Uint8Array<ArrayBuffer> }) };
}

it('refuses replayed, foreign, old and misdirected proofs, and bodies that are not the ones signed', async () => {
  await withAccount(async (test, account) => {
    const token = await sessionOf(test, account);
    const target = '/v1/account';
    const status = async (init: RequestInit, path = target): Promise<number> =>
      (await fetch(test.server.url + path, init)).status;
    const good = signed(test, account, token, { method: 'GET', target });
    expect(await status(good)).toBe(200);
    expect(await status(good)).toBe(401);
    const seconds = Math.floor(Date.now() / 1000);
    for (const change of [
      { iat: seconds - 3600 },
      { iat: seconds + 3600 },
      { htm: 'POST' },
      { htu: `https://elsewhere.example${target}` },
      { ath: sha256('another token') },
    ]) {
      expect(await status(signed(test, account, token, { method: 'GET', target, change }))).toBe(401);
    }
    const thief = { ...account, devices: createAccountFixture().devices };
    expect(await status(signed(test, thief, token, { method: 'GET', target }))).toBe(401);
    const read = `/v1/vaults/${toHex(account.vault)}/objects/read`;
    const init = signed(test, account, token, { method: 'POST', target: read, body: new Uint8Array(32) });
    expect(await status({ ...init, body: new Uint8Array(64) }, read)).toBe(401);
  });
});

it('lets a device that only backs up reach its own routes and nothing else', async () => {
  await withAccount(async (test, account) => {
    const device = test.clientOf(account, { as: 'device' });
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

it('keeps accounts apart, and says the same of an account that is not there', async () => {
  await withAccount(async (test, account) => {
    const other = createAccountFixture();
    await test.signUp(other);
    await expect(test.clientOf(other).head(account.vault)).rejects.toMatchObject({ code: 'refused' });
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
      await raw(test, [`POST /v1/accounts HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`, ...flood]),
    ).toMatch(/413|^$/);
    expect((await test.clientOf(account).head(account.vault)).seq).toBe(0);
  });
});

it('stores nothing of an upload whose client vanishes, and all of it when it comes again', async () => {
  await withAccount(async (test, account) => {
    const pack = createPack(account.vault, 1, 64);
    const token = await sessionOf(test, account);
    const target = `/v1/vaults/${toHex(account.vault)}/packs/${toHex(pack.id)}`;
    const { headers } = signed(test, account, token, { method: 'PUT', target });
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
    const token = await sessionOf(test, account);
    await fetch(`${test.server.url}/v1/secret-path?query=secret`, { headers: { authorization: token } });
    const log = test.lines.join('');
    expect(log).toContain('"route":"/v1/vaults/:vault/packs/:pack"');
    const ids = [account.accountId, account.vault, pack.id, (account.devices[0] as FixtureDevice).deviceId];
    for (const id of ids) for (const form of [toHex(id), toBase64Url(id)]) expect(log).not.toContain(form);
    for (const word of [token, 'secret', test.folder, 'DPoP']) expect(log).not.toContain(word);
  });
});
