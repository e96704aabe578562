/** SHA-256, HMAC and HKDF-Expand against RFC 4231, RFC 5869 and the platform's WebCrypto. */

import { concatBytes, fromHex, toHex } from '@keephold/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSha256, equalConstantTime, expand, hmacSha256, InvalidKeyError, sha256 } from './index.ts';

const parts = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 6 });

describe('sha256', () => {
  it('hashes the joined parts, at once or one by one, as WebCrypto does', async () => {
    await fc.assert(
      fc.asyncProperty(parts, async (list) => {
        const expected = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', concatBytes(...list))));
        expect(toHex(sha256(...list))).toBe(expected);
        const hasher = createSha256();
        for (const part of list) hasher.update(part);
        expect(toHex(hasher.digest())).toBe(expected);
      }),
    );
  });

  it('hashes long parts, and nothing', () => {
    const million = new Uint8Array(1_000_000).fill(0x61);
    const expected = 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0';
    expect(toHex(sha256(million))).toBe(expected);
    expect(toHex(sha256(million.subarray(0, 1), million.subarray(1)))).toBe(expected);
    expect(toHex(sha256())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  it('gives plain byte arrays of their own memory', () => {
    const digest = sha256(new Uint8Array(3));
    expect(Object.getPrototypeOf(digest)).toBe(Uint8Array.prototype);
    expect(digest.buffer.byteLength).toBe(32);
  });
});

describe('hmacSha256', () => {
  it.each([
    ['0b'.repeat(20), '4869205468657265', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      '4a656665',
      '7768617420646f2079612077616e7420666f72206e6f7468696e673f',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    ['aa'.repeat(20), 'dd'.repeat(50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
    [
      'aa'.repeat(131),
      '54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
  ])('RFC 4231, key %s', (key, data, mac) => {
    expect(toHex(hmacSha256(fromHex(key), fromHex(data)))).toBe(mac);
  });

  it('is that of WebCrypto for every key length', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 150 }), parts, async (key, list) => {
        const imported = await crypto.subtle.importKey('raw', key.slice(), { name: 'HMAC', hash: 'SHA-256' }, false, [
          'sign',
        ]);
        const expected = new Uint8Array(await crypto.subtle.sign('HMAC', imported, concatBytes(...list)));
        expect(toHex(hmacSha256(key, ...list))).toBe(toHex(expected));
      }),
    );
  });
});

describe('expand', () => {
  // RFC 5869 appendix A, cases 1 to 3: PRK, info, length, OKM.
  it.each([
    [
      '077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5',
      'f0f1f2f3f4f5f6f7f8f9',
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    ],
    [
      '06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244',
      'b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff',
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
    ],
    [
      '19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04',
      '',
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    ],
  ])('RFC 5869, PRK %s', (prk, info, okm) => {
    expect(toHex(expand(fromHex(prk), fromHex(info), okm.length / 2))).toBe(okm);
  });

  it('gives up to 8,160 bytes, shorter ones as their beginning', () => {
    const key = new Uint8Array(32);
    const longest = expand(key, new Uint8Array(), 8160);
    expect(longest.length).toBe(8160);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8160 }), (n) => {
        expect(toHex(expand(key, new Uint8Array(), n))).toBe(toHex(longest.subarray(0, n)));
      }),
      { numRuns: 20 },
    );
  });

  it('refuses short keys and impossible lengths', () => {
    expect(() => expand(new Uint8Array(31), new Uint8Array(), 32)).toThrow(InvalidKeyError);
    for (const n of [0, -1, 8161, 1.5])
      expect(() => expand(new Uint8Array(32), new Uint8Array(), n)).toThrow(InvalidKeyError);
  });
});

describe('equalConstantTime', () => {
  it('is equality', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        expect(equalConstantTime(a, b)).toBe(toHex(a) === toHex(b));
        expect(equalConstantTime(a, a.slice())).toBe(true);
      }),
    );
  });
});
