import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EncodingError, fromBase64Url, fromHex, toBase64Url, toHex, utf8Decode, utf8Encode } from './index.ts';

describe('hex', () => {
  it('returns what it was given', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes);
      }),
    );
  });

  it('writes lower case, two digits a byte', () => {
    expect(toHex(new Uint8Array([0, 1, 0xab, 0xff]))).toBe('0001abff');
  });

  it.each(['0', 'AB', 'zz', '0x', ' 0', '0g', 'é0'])('refuses %j', (text) => {
    expect(() => fromHex(text)).toThrow(EncodingError);
  });
});

describe('base64url', () => {
  it('returns what it was given, in the alphabet of RFC 4648', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = toBase64Url(bytes);
        expect(text).toMatch(/^[A-Za-z0-9_-]*$/);
        expect(fromBase64Url(text)).toEqual(bytes);
        const standard = btoa(String.fromCharCode(...bytes));
        expect(text).toBe(standard.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''));
      }),
    );
  });

  it.each(['A', 'AA==', 'AB', 'AAB', 'A+', 'A/', 'A A', 'AAAAé', 'AA\u{1F600}'])('refuses %j', (text) => {
    expect(() => fromBase64Url(text)).toThrow(EncodingError);
  });

  it('has one spelling per byte string', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{0,9}$/), (text) => {
        let bytes: Uint8Array;
        try {
          bytes = fromBase64Url(text);
        } catch (error) {
          expect(error).toBeInstanceOf(EncodingError);
          return;
        }
        expect(toBase64Url(bytes)).toBe(text);
      }),
    );
  });
});

describe('utf8', () => {
  it('returns what it was given, a leading byte-order mark included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(utf8Decode(utf8Encode(text))).toBe(text);
      }),
    );
    expect(utf8Decode(utf8Encode('\u{FEFF}a'))).toBe('\u{FEFF}a');
  });

  it('refuses what has no faithful form', () => {
    expect(() => utf8Encode('\uD800')).toThrow(EncodingError);
    for (const hex of ['ff', 'c080', 'eda080', 'f4908080', 'c3'])
      expect(() => utf8Decode(fromHex(hex))).toThrow(EncodingError);
  });
});
