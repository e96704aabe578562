/** Requests as somebody writes them who has a session and does not use our client. */
import { createHash, randomBytes } from 'node:crypto';
import { toBase64Url } from '@keephold/bytes';
import { signInWithWords } from '@keephold/client';
import { encodeProof, routes, sessionSigningInput } from '@keephold/protocol/http';
import type { AccountFixture, FixtureDevice } from '@keephold/testkit';
import { expect } from 'vitest';
import { type TestServer, wordsOf } from './_test-server.ts';

export interface RawSession {
  readonly token: string;
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

export function sha256Text(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64url');
}

/** Also sees to it that one nonce opens one session. */
export async function deviceSession(test: TestServer, account: AccountFixture): Promise<RawSession> {
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
  return { token, publicKey: device.publicKey, sign: device.sign };
}

export async function ownerSession(test: TestServer, account: AccountFixture): Promise<RawSession> {
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
  const login = await signInWithWords({ origin: test.server.url, now: Date.now, random }, wordsOf(account));
  if (login === undefined) throw new Error('the words do not sign in');
  return login.session;
}

export interface SignOptions {
  readonly method: string;
  readonly target: string;
  readonly body?: Uint8Array | undefined;
  readonly change?: Readonly<Record<string, unknown>>;
}

export function signedRequest(test: TestServer, session: RawSession, options: SignOptions): RequestInit {
  const { method, target, body, change } = options;
  const { token, publicKey, sign } = session;
  const claims = {
    htm: method,
    htu: test.server.url + target,
    iat: Math.floor(Date.now() / 1000),
    jti: randomBytes(18).toString('base64url'),
    ath: sha256Text(token),
    ...(body !== undefined && { cd: sha256Text(body) }),
    ...change,
  };
  const headers = { authorization: `DPoP ${token}`, dpop: encodeProof({ claims, publicKey, sign }) };
  return { method, headers, ...(body !== undefined && { body: body as Uint8Array<ArrayBuffer> }) };
}
