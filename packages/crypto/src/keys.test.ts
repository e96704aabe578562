import { toHex } from '@keephold/bytes';
import { describe, expect, it } from 'vitest';
import * as crypto from './index.ts';
import * as verify from './verify.ts';

const {
  asKey,
  decodeDeviceBundle,
  encodeDeviceBundle,
  InvalidKeyError,
  label,
  MalformedObjectError,
  randomKey,
  systemRandom,
} = crypto;

describe('keys', () => {
  it('have 32 bytes', () => {
    for (const length of [0, 31, 33, 64]) expect(() => asKey('IdKey', new Uint8Array(length))).toThrow(InvalidKeyError);
    expect(() => randomKey('IdKey', (n) => new Uint8Array(n - 1))).toThrow(InvalidKeyError);
    expect(randomKey('IdKey', (n) => new Uint8Array(n).fill(4))).toEqual(new Uint8Array(32).fill(4));
  });
});

describe('labels', () => {
  it('are the text after keephold/v1/ and a zero', () => {
    expect(toHex(label('pack'))).toBe('6b656570686f6c642f76312f7061636b00');
  });

  it('outside the list do not exist', () => {
    expect(() => label('packet' as 'pack')).toThrow(TypeError);
  });
});

describe('device bundles', () => {
  const keys = { signing: new Uint8Array(32).fill(1), exchange: new Uint8Array(1216).fill(2) };

  it('decode to the keys they were made of', () => {
    expect(decodeDeviceBundle(encodeDeviceBundle(keys))).toEqual(keys);
  });

  it('are refused in another length or version', () => {
    const bundle = encodeDeviceBundle(keys);
    for (const bad of [bundle.subarray(1), bundle.with(0, 2), new Uint8Array()]) {
      expect(() => decodeDeviceBundle(bad)).toThrow(MalformedObjectError);
    }
    expect(() => encodeDeviceBundle({ ...keys, signing: new Uint8Array(31) })).toThrow(InvalidKeyError);
    expect(() => encodeDeviceBundle({ ...keys, exchange: new Uint8Array(32) })).toThrow(InvalidKeyError);
  });
});

describe('systemRandom', () => {
  it('fills any length to its end', () => {
    for (const n of [0, 1, 32, 65_536, 65_537, 200_000]) {
      const bytes = systemRandom(n);
      expect(bytes.length).toBe(n);
      if (n >= 32) expect(bytes.subarray(n - 32).every((byte) => byte === 0)).toBe(false);
    }
    expect(toHex(systemRandom(32))).not.toBe(toHex(systemRandom(32)));
  });
});

describe('the entry without keys', () => {
  it('gives hashing and verification, nothing else', () => {
    expect(Object.keys(verify).sort()).toEqual(['createSha256', 'sha256', 'verifyStrict']);
  });
});
