/** RFC 8032 §7.1, and signatures that look good but must be refused on every platform. */

import { concatBytes, fromHex, toHex } from '@keephold/bytes';
import { ed25519 as noble } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asKey, ed25519FromSeed, generateEd25519, sign, verifyStrict } from './index.ts';

const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const { Point } = noble;

const RFC_8032 = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
] as const;

describe('Ed25519', () => {
  it.each(RFC_8032)('RFC 8032, seed %s', (seed, publicKey, message, signature) => {
    const pair = ed25519FromSeed(asKey('Ed25519Seed', fromHex(seed)));
    expect(toHex(pair.publicKey)).toBe(publicKey);
    expect(toHex(sign(pair.seed, fromHex(message)))).toBe(signature);
    expect(verifyStrict({ publicKey: pair.publicKey, message: fromHex(message), signature: fromHex(signature) })).toBe(
      true,
    );
  });

  it('accepts what it signed, and nothing else', () => {
    const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(seed, fc.uint8Array(), fc.nat(), fc.nat(7), (bytes, message, at, bit) => {
        const pair = generateEd25519(() => bytes);
        const signature = sign(pair.seed, message);
        expect(signature).toEqual(new Uint8Array(noble.sign(message, bytes)));
        const { publicKey } = pair;
        expect(verifyStrict({ publicKey, message, signature })).toBe(true);
        expect(verifyStrict({ publicKey, message, signature: flip(signature, at, bit) })).toBe(false);
        expect(verifyStrict({ publicKey: flip(publicKey, at, bit), message, signature })).toBe(false);
        expect(verifyStrict({ publicKey, message: concatBytes(message, Uint8Array.of(0)), signature })).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses other lengths', () => {
    const [, publicKey, , signature] = RFC_8032[0];
    const check = (key: string, sig: string) =>
      verifyStrict({ publicKey: fromHex(key), message: new Uint8Array(), signature: fromHex(sig) });
    expect(check(publicKey, signature)).toBe(true);
    for (const sig of ['', signature.slice(2), `${signature}00`]) expect(check(publicKey, sig)).toBe(false);
    for (const key of ['', publicKey.slice(2), `${publicKey}00`]) expect(check(key, signature)).toBe(false);
  });
});

describe('strictness', () => {
  const message = new Uint8Array([1, 2, 3]);
  const pair = ed25519FromSeed(asKey('Ed25519Seed', new Uint8Array(32).fill(7)));
  const good = sign(pair.seed, message);

  it('refuses S + L', () => {
    const raised = littleEndian(good.subarray(32)) + L;
    expect(raised).toBeLessThan(2n ** 256n);
    const signature = concatBytes(good.subarray(0, 32), scalarBytes(raised));
    expect(verifyStrict({ publicKey: pair.publicKey, message, signature })).toBe(false);
  });

  // The eight points of small order, and encodings of theirs with y ≥ p or a sign for x = 0.
  const small = [
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000080',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  ].map(fromHex);

  it('refuses keys of small order, for which a signature of anything can be made', () => {
    for (const publicKey of small) {
      for (const r of small) {
        const signature = concatBytes(r, new Uint8Array(32));
        for (let i = 0; i < 8; i++)
          expect(verifyStrict({ publicKey, message: Uint8Array.of(i), signature })).toBe(false);
      }
    }
  });

  it('refuses R of small order under a good key', () => {
    // With R = identity, S = k·a satisfies the equation.
    const r = small[0] as Uint8Array;
    const a = noble.utils.getExtendedPublicKey(pair.seed).scalar;
    const k = challenge(r, pair.publicKey, message);
    const signature = concatBytes(r, scalarBytes((k * a) % L));
    expect(verifyStrict({ publicKey: pair.publicKey, message, signature })).toBe(false);
  });

  it('refuses R with a small-order part: the equation has no cofactor', () => {
    const torsion = Point.fromBytes(fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));
    const a = noble.utils.getExtendedPublicKey(pair.seed).scalar;
    const r = Point.BASE.multiply(12345n).add(torsion).toBytes();
    const s = (12345n + challenge(r, pair.publicKey, message) * a) % L;
    const signature = concatBytes(r, scalarBytes(s));
    expect(noble.verify(signature, message, pair.publicKey, { zip215: true })).toBe(true);
    expect(verifyStrict({ publicKey: pair.publicKey, message, signature })).toBe(false);
  });

  it('decides alike everywhere for keys with a small-order part', () => {
    // A' = A + T of order 8·L: without cofactor the equation holds for one message in eight, with it for all.
    const torsion = Point.fromBytes(fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));
    const a = noble.utils.getExtendedPublicKey(pair.seed).scalar;
    const publicKey = Point.fromBytes(pair.publicKey).add(torsion).toBytes();
    const r = Point.BASE.multiply(999n).toBytes();
    const accepted: number[] = [];
    const expected: number[] = [];
    for (let i = 0; i < 64; i++) {
      const text = Uint8Array.of(i);
      const k = challenge(r, publicKey, text);
      if (k % 8n === 0n) expected.push(i);
      const signature = concatBytes(r, scalarBytes((999n + k * a) % L));
      if (verifyStrict({ publicKey, message: text, signature })) accepted.push(i);
    }
    expect(expected.length).toBeGreaterThan(0);
    expect(accepted).toEqual(expected);
  });

  it('refuses 32 bytes that are no point', () => {
    let refused = 0;
    for (let i = 2; i < 40; i++) {
      const publicKey = new Uint8Array(32).fill(i);
      expect(verifyStrict({ publicKey, message, signature: good })).toBe(false);
      refused++;
    }
    expect(refused).toBe(38);
  });
});

function challenge(r: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  return littleEndian(sha512(concatBytes(r, publicKey, message))) % L;
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function scalarBytes(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

function flip(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  const index = at % bytes.length;
  return bytes.with(index, (bytes[index] as number) ^ (1 << bit));
}
