import { fromHex, toHex } from '@keephold/bytes';
import { beforeAll, describe, expect, it } from 'vitest';
import stored from '../../../../vectors/opaque-v1.json' with { type: 'json' };
import { CryptoError, DowngradeError } from '../errors.ts';
import { bindToSession, createOpaqueSetup, OpaqueServer, startOpaqueLogin, startOpaqueRegistration } from './index.ts';

/** The least that is accepted. */
const cheap = { memoryKiB: 65_536, passes: 3, lanes: 1 };
const parties = { accountId: new Uint8Array(16).fill(1), serverId: new Uint8Array(32).fill(2) };
const credentialId = new Uint8Array(16).fill(3);
const key = new Uint8Array(32).fill(4);
const password = 'correct horse battery staple é';

let server: OpaqueServer;
let record: Uint8Array;
let exportKey: Uint8Array;

beforeAll(async () => {
  server = await OpaqueServer.open(await createOpaqueSetup());
  const registration = await startOpaqueRegistration(password, cheap);
  const done = await registration.finish(server.register(credentialId, registration.request), parties);
  ({ record, exportKey } = done);
});

async function login(secret: string, known: Uint8Array | undefined) {
  const attempt = await startOpaqueLogin(secret, cheap);
  const started = server.startLogin({ credentialId, record: known, request: attempt.request, parties });
  return { started, done: await attempt.finish(started.response, parties) };
}

describe('a password on a server', () => {
  it('gives the same export key at every login, however the password is composed', async () => {
    const { started, done } = await login(password.normalize('NFD'), record);
    expect(done?.exportKey).toEqual(exportKey);
    expect(done?.serverKey).toEqual(server.publicKey);
    const mac = bindToSession(done?.sessionKey ?? key, parties.serverId, key);
    const message = done?.message ?? key;
    const ask = (change: object): boolean =>
      server.finishLogin({ state: started.state, message, parties, binding: { key, mac }, ...change });
    expect(ask({})).toBe(true);
    expect(ask({ binding: { key: new Uint8Array(32), mac } })).toBe(false);
    expect(ask({ message: new Uint8Array(message.length) })).toBe(false);
  });

  it('is of one account: what another account was answered opens nothing', async () => {
    const attempt = await startOpaqueLogin(password, cheap);
    const other = { ...parties, accountId: key.slice(16) };
    const { response } = server.startLogin({ credentialId, record, request: attempt.request, parties: other });
    expect(await attempt.finish(response, parties)).toBeUndefined();
  });

  it('answers alike for a wrong password and an account that is not there', async () => {
    const wrong = await login('some other password', record);
    const unknown = await login(password, undefined);
    expect([wrong.done, unknown.done]).toEqual([undefined, undefined]);
    expect(unknown.started.response.length).toBe(wrong.started.response.length);
    expect(unknown.started.state.length).toBe(wrong.started.state.length);
  });

  it('refuses to compute what would be cheap to guess, and what is no message', async () => {
    await expect(startOpaqueLogin(password, { ...cheap, memoryKiB: 8192 })).rejects.toBeInstanceOf(DowngradeError);
    await expect(startOpaqueRegistration(password, { ...cheap, passes: 1 })).rejects.toBeInstanceOf(DowngradeError);
    expect(() => server.register(credentialId, key.slice(1))).toThrow(CryptoError);
    const attempt = await startOpaqueLogin(password, cheap);
    await expect(attempt.finish(key.slice(1), parties)).rejects.toBeInstanceOf(CryptoError);
    await expect(OpaqueServer.open(key.slice(1))).rejects.toBeInstanceOf(CryptoError);
  });
});

describe('what was registered once', () => {
  it('opens for good: stored setup and record give the stored export key with the default costs', async () => {
    const old = await OpaqueServer.open(fromHex(stored.setup));
    const who = { accountId: fromHex(stored.accountId), serverId: fromHex(stored.serverId) };
    const attempt = await startOpaqueLogin(stored.password);
    const { response } = old.startLogin({
      credentialId: fromHex(stored.credentialId),
      record: fromHex(stored.record),
      request: attempt.request,
      parties: who,
    });
    const done = await attempt.finish(response, who);
    expect(toHex(done?.exportKey ?? key)).toBe(stored.exportKey);
    expect(toHex(done?.serverKey ?? key)).toBe(stored.serverKey);
  });
});
