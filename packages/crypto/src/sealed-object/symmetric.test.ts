/** Sealed objects under a shared key: round trips, and everything that must fail. */

import { concatBytes, sealedSize, toHex, writeU32 } from '@keephold/bytes';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { sealAesGcm } from '#primitives/aes-gcm';
import { seededRandom } from '../_seeded-random.ts';
import {
  asKey,
  CryptoError,
  DowngradeError,
  expand,
  IntegrityError,
  InvalidKeyError,
  label,
  MalformedObjectError,
  OBJECT_TYPE,
  openAsRecipient,
  openObject,
  parseObjectHeader,
  sealObject,
} from '../index.ts';
import { encodeObjectHeader } from './layout.ts';

const key = asKey('IndexKey', new Uint8Array(32).fill(1));
const contextId = new Uint8Array(16).fill(2);
const place = { type: OBJECT_TYPE.dataIndex, contextId, epoch: 3 };
const payload = new Uint8Array([9, 8, 7]);
const open = (bytes: Uint8Array) => openObject({ bytes, expect: place, key });
const seal = (seed: number, more: Partial<Parameters<typeof sealObject>[0]> = {}) =>
  sealObject({ ...place, key, payload, random: seededRandom(seed), ...more });

let object: Uint8Array;
beforeAll(async () => {
  object = await seal(1);
});

describe('sealObject and openObject', () => {
  it('return what was sealed, in a padded size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 3000 }),
        fc.nat(0xffffffff),
        fc.nat(255),
        async (bytes, epoch, seed) => {
          const sealed = await seal(seed, { payload: bytes, epoch });
          expect(sealed.length).toBe(96 + sealedSize(bytes.length) + 16);
          expect(await openObject({ bytes: sealed, expect: { ...place, epoch }, key })).toEqual(bytes);
        },
      ),
    );
  });

  it('make another object each time, the same only from the same randomness and payload', async () => {
    expect(toHex(await seal(1))).toBe(toHex(object));
    expect(toHex(await seal(2))).not.toBe(toHex(object));
    const other = await seal(1, { payload: new Uint8Array([9, 8, 6]) });
    expect(toHex(other.subarray(32, 64))).not.toBe(toHex(object.subarray(32, 64)));
  });

  it('work on views into larger memory', async () => {
    const outer = concatBytes(new Uint8Array(5), object, new Uint8Array(7));
    expect(await open(outer.subarray(5, 5 + object.length))).toEqual(payload);
  });

  it('tell the header before opening', () => {
    expect(parseObjectHeader(object)).toEqual({ type: 0x10, keyKind: 1, contextId, epoch: 3 });
  });

  it('take up to 14 MiB, and no more', async () => {
    const longest = new Uint8Array(14 * 1024 * 1024 - 4);
    const sealed = await seal(1, { payload: longest });
    expect((await open(sealed)).length).toBe(longest.length);
    for (const length of [longest.length + 1, 40 * 1024 * 1024]) {
      await expect(seal(1, { payload: new Uint8Array(length) })).rejects.toThrow(MalformedObjectError);
    }
  });

  it('refuse keys and ids of a wrong length', async () => {
    await expect(seal(1, { key: new Uint8Array(31) as typeof key })).rejects.toThrow(InvalidKeyError);
    await expect(seal(1, { contextId: new Uint8Array(15) })).rejects.toThrow(InvalidKeyError);
    await expect(seal(1, { epoch: -1 })).rejects.toThrow(InvalidKeyError);
    await expect(openObject({ bytes: object, expect: place, key: new Uint8Array(33) as typeof key })).rejects.toThrow(
      InvalidKeyError,
    );
  });
});

describe('an object that must not open', () => {
  it('any bit flipped', async () => {
    for (let at = 0; at < object.length; at++) {
      const flipped = object.with(at, (object[at] as number) ^ (1 << (at % 8)));
      await expect(open(flipped), `byte ${at}`).rejects.toThrow(CryptoError);
    }
  });

  it.each([
    ['magic', 0, 0x4a, MalformedObjectError, 'malformed-object'],
    ['version', 4, 2, DowngradeError, 'downgrade-version'],
    ['version 0', 4, 0, DowngradeError, 'downgrade-version'],
    ['type', 5, 0x12, IntegrityError, 'integrity-place'],
    ['suite', 6, 2, DowngradeError, 'downgrade-suite'],
    ['key kind 3', 7, 3, MalformedObjectError, 'malformed-object'],
    ['context', 8, 3, IntegrityError, 'integrity-place'],
    ['epoch', 24, 4, IntegrityError, 'integrity-place'],
    ['reserved', 28, 1, MalformedObjectError, 'malformed-object'],
    ['salt', 32, 0xff, IntegrityError, 'integrity-key-check'],
    ['keyCheck', 95, 0xff, IntegrityError, 'integrity-key-check'],
    ['ciphertext', 96, 0xff, IntegrityError, 'integrity-tag'],
    ['tag', 367, 0xff, IntegrityError, 'integrity-tag'],
  ])('%s changed, by its own error', async (_, at, value, type, code) => {
    expect(object[at]).not.toBe(value);
    const error = await open(object.with(at, value)).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ code });
  });

  it('header changed to another place that the caller expects', async () => {
    const moved = { ...place, epoch: 4 };
    const bytes = concatBytes(encodeObjectHeader(moved, 1), object.subarray(32));
    await expect(openObject({ bytes, expect: moved, key })).rejects.toMatchObject({ code: 'integrity-key-check' });
  });

  it('cut or extended anywhere', async () => {
    for (let length = 0; length < object.length; length++) {
      await expect(open(object.subarray(0, length)), `${length} bytes`).rejects.toThrow(MalformedObjectError);
    }
    for (const more of [1, 16, 63, 65]) {
      await expect(open(concatBytes(object, new Uint8Array(more)))).rejects.toThrow(MalformedObjectError);
    }
    // A length that another object could have.
    await expect(open(concatBytes(object, new Uint8Array(64)))).rejects.toThrow(IntegrityError);
    await expect(open(new Uint8Array(17 * 1024 * 1024))).rejects.toThrow(MalformedObjectError);
  });

  it('a field of another valid object', async () => {
    const other = await seal(2);
    const fields: readonly (readonly [number, number])[] = [
      [32, 64],
      [64, 96],
      [32, 96],
      [96, 352],
      [352, 368],
      [96, 368],
    ];
    for (const [start, end] of fields) {
      const mixed = concatBytes(object.subarray(0, start), other.subarray(start, end), object.subarray(end));
      await expect(open(mixed), `bytes ${start} to ${end}`).rejects.toThrow(IntegrityError);
    }
  });

  it('another key', async () => {
    const wrong = asKey('IndexKey', new Uint8Array(32).fill(9));
    await expect(openObject({ bytes: object, expect: place, key: wrong })).rejects.toMatchObject({
      code: 'integrity-key-check',
    });
  });

  it('asked for as if it were sealed to a recipient', async () => {
    const expected = { type: OBJECT_TYPE.session, contextId, epoch: 3 };
    const seed = asKey('XWingSeed', new Uint8Array(32));
    const session = await seal(1, { type: OBJECT_TYPE.session });
    await expect(openAsRecipient({ bytes: session, expect: expected, seed })).rejects.toMatchObject({
      code: 'integrity-place',
    });
  });
});

/** Seals a plaintext as it is, as a writer that breaks the padding rule would. */
async function sealPlaintext(plaintext: Uint8Array): Promise<Uint8Array> {
  const header = encodeObjectHeader(place, 1);
  const salt = new Uint8Array(32).fill(5);
  const derived = expand(key, concatBytes(label('seal'), header, salt), 64);
  const sealed = await sealAesGcm({ key: derived.subarray(0, 32), nonce: new Uint8Array(12), aad: header, plaintext });
  return concatBytes(header, salt, derived.subarray(32), sealed);
}

describe('padding', () => {
  const padded = (realLength: number, total: number, last = 0) => {
    const plaintext = new Uint8Array(total);
    writeU32(plaintext, 0, realLength);
    plaintext[total - 1] = last;
    return sealPlaintext(plaintext);
  };

  it('opens when it is exact', async () => {
    expect((await open(await padded(10, 256))).length).toBe(10);
    expect((await open(await padded(252, 256, 1))).at(-1)).toBe(1);
  });

  it.each([
    ['not zero', 10, 256, 1],
    ['larger than needed', 10, 320, 0],
    ['a length beyond the plaintext', 253, 256, 0],
    ['an absurd length', 0xffffffff, 256, 0],
    ['a length of 2^30', 2 ** 30, 256, 0],
  ])('refuses %s', async (_, realLength, total, last) => {
    await expect(open(await padded(realLength, total, last))).rejects.toMatchObject({ code: 'integrity-padding' });
  });
});
