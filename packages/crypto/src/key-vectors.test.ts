/** Every known answer of vectors/format-v1.json that this package computes, from the S part (security.md). */

import { concatBytes, fromHex, toHex } from '@keephold/bytes';
import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/format-v1.json' with { type: 'json' };
import {
  argon2id,
  asKey,
  deviceFingerprint,
  deviceId,
  ed25519FromSeed,
  encodeDeviceBundle,
  expand,
  fingerprintCode,
  hmacSha256,
  label,
  passwordBytes,
  sha256,
  xWingFromSeed,
} from './index.ts';

const { S } = vectors;
// What the file does not spell out: the account of its sealed keyring, and the seeds of its device.
const accountId = fromHex(vectors.V.sealedObject.input.contextId);

describe('device', () => {
  it('bundle, fingerprint, id and code', async () => {
    const signing = ed25519FromSeed(asKey('Ed25519Seed', new Uint8Array(32).fill(0x99))).publicKey;
    const exchange = (await xWingFromSeed(asKey('XWingSeed', new Uint8Array(32).fill(0xaa)))).publicKey;
    expect(toHex(sha256(exchange))).toBe(S.device.xwingPublicSha256);
    const bundle = encodeDeviceBundle({ signing, exchange });
    expect(toHex(sha256(bundle))).toBe(S.device.bundleSha256);
    const fingerprint = deviceFingerprint(bundle);
    expect(toHex(fingerprint)).toBe(S.device.fingerprint);
    expect(toHex(deviceId(bundle))).toBe(S.device.deviceId);
    expect(fingerprintCode(fingerprint)).toBe(S.device.code25);
    const mac = hmacSha256(fromHex(S.pairing.deviceMacKey), bundle);
    expect(toHex(mac)).toBe(S.pairing.bundleMac);
  });
});

describe('derived keys', () => {
  const account = (text: Parameters<typeof label>[0]) => concatBytes(label(text), accountId);
  it.each([
    ['keyring', S.keyringKey.ark, account('ark/keyring'), S.keyringKey.key],
    ['password on a server', S.kekPassword.exportKey, account('kek/password'), S.kekPassword.kek],
    ['recovery', S.recovery.entropy, account('kek/recovery'), S.recovery.kek],
    ['recovery login', S.recovery.entropy, account('auth/recovery'), S.recovery.authSeed],
    [
      'passkey',
      S.passkey.prfOut,
      concatBytes(account('kek/passkey'), sha256(fromHex(S.passkey.credentialId))),
      S.passkey.kek,
    ],
    ['link token', S.link.secret, concatBytes(label('link/auth'), fromHex(S.link.linkId)), S.link.authToken],
    ['link key', S.link.secret, concatBytes(label('link/enc'), fromHex(S.link.linkId)), S.link.encKey],
    ['link password salt', S.link.secret, concatBytes(label('link/pwsalt'), fromHex(S.link.linkId)), S.link.pwSalt],
    ['ticket id', S.pairing.ticketSecret, label('pair/id'), S.pairing.ticketId],
    [
      'ticket device key',
      S.pairing.ticketSecret,
      concatBytes(label('pair/device'), fromHex(S.pairing.ticketId)),
      S.pairing.deviceMacKey,
    ],
    [
      'ticket client key',
      S.pairing.ticketSecret,
      concatBytes(label('pair/client'), fromHex(S.pairing.ticketId)),
      S.pairing.clientMacKey,
    ],
  ])('%s', (_, secret, info, expected) => {
    expect(toHex(expand(fromHex(secret), info, expected.length / 2))).toBe(expected);
  });

  it('contacts', () => {
    const secret = hmacSha256(fromHex(S.contacts.P), fromHex(S.contacts.S));
    expect(toHex(expand(secret, account('kek/contacts'), 32))).toBe(S.contacts.kek);
  });

  it('passkey input', () => {
    expect(toHex(sha256(account('prf')))).toBe(S.passkey.prfInput);
  });

  it('password of a folder', async () => {
    const { password, salt, memoryKiB, passes, lanes, stretched, paramsCbor, kek } = S.kekPasswordLocal;
    const result = await argon2id(passwordBytes(password), fromHex(salt), { memoryKiB, passes, lanes });
    expect(toHex(result)).toBe(stretched);
    const info = concatBytes(account('kek/password-local'), fromHex(paramsCbor));
    expect(toHex(expand(result, info, 32))).toBe(kek);
  });
});
