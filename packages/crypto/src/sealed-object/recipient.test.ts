/** Objects sealed to a recipient: round trips, another X-Wing implementation, and everything that must fail. */

import { concatBytes, toHex } from '@keephold/bytes';
import { ml_kem768_x25519 as XWing } from '@noble/post-quantum/hybrid.js';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../_seeded-random.ts';
import { hpkeOpen, hpkeSeal } from '../hpke/x-wing-suite.ts';
import {
  asKey,
  CryptoError,
  generateXWing,
  IntegrityError,
  InvalidKeyError,
  MalformedObjectError,
  OBJECT_TYPE,
  openAsRecipient,
  openObject,
  sealToRecipient,
  type XWingKeyPair,
  xWingFromSeed,
} from '../index.ts';
import { sealWrapped } from './recipient.ts';

const contextId = new Uint8Array(16).fill(2);
const place = { type: OBJECT_TYPE.session, contextId, epoch: 3 };
const payload = new Uint8Array([9, 8, 7]);

let pair: XWingKeyPair;
let object: Uint8Array;
const open = (bytes: Uint8Array) => openAsRecipient({ bytes, expect: place, seed: pair.seed });
beforeAll(async () => {
  pair = await generateXWing(seededRandom(1));
  object = await sealToRecipient({ ...place, recipient: pair.publicKey, payload, random: seededRandom(2) });
});

describe('sealToRecipient and openAsRecipient', () => {
  it('return what was sealed, for every type that may be sealed so', async () => {
    const types = fc.constantFrom(0x03 as const, 0x11 as const, 0x33 as const, 0x34 as const, 0x35 as const);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), types, fc.nat(255), async (bytes, type, seed) => {
        const expected = { ...place, type };
        const sealed = await sealToRecipient({
          ...expected,
          recipient: pair.publicKey,
          payload: bytes,
          random: seededRandom(seed),
        });
        expect(await openAsRecipient({ bytes: sealed, expect: expected, seed: pair.seed })).toEqual(bytes);
      }),
      { numRuns: 10 },
    );
  });

  it('draws its randomness from the caller only', async () => {
    const again = await sealToRecipient({ ...place, recipient: pair.publicKey, payload, random: seededRandom(2) });
    expect(toHex(again)).toBe(toHex(object));
    const other = await sealToRecipient({ ...place, recipient: pair.publicKey, payload, random: seededRandom(3) });
    expect(toHex(other.subarray(96, 1216))).not.toBe(toHex(object.subarray(96, 1216)));
  });

  it('agrees with another implementation of X-Wing', async () => {
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const bytes64 = fc.uint8Array({ minLength: 64, maxLength: 64 });
    await fc.assert(
      fc.asyncProperty(bytes32, bytes64, async (seed, coins) => {
        const theirs = XWing.keygen(seed);
        const ours = await xWingFromSeed(asKey('XWingSeed', seed));
        expect(toHex(ours.publicKey)).toBe(toHex(theirs.publicKey));
        const empty = new Uint8Array();
        const sealed = await hpkeSeal({ publicKey: ours.publicKey, info: empty, aad: empty, plaintext: seed, coins });
        const encapsulated = XWing.encapsulate(theirs.publicKey, coins);
        expect(toHex(sealed.enc)).toBe(toHex(encapsulated.cipherText));
        expect(toHex(XWing.decapsulate(sealed.enc, seed))).toBe(toHex(encapsulated.sharedSecret));
        const { enc, ciphertext } = sealed;
        expect(await hpkeOpen({ seed, enc, info: empty, aad: empty, ciphertext })).toEqual(seed);
      }),
      { numRuns: 8 },
    );
  });
});

describe('an object that must not open', () => {
  it('a bit flipped in any field', async () => {
    // Every byte of the small fields, a sample of the encapsulated key and the ciphertext.
    const places = [...Array(96).keys()];
    for (let at = 96; at < object.length; at += at > 1210 && at < 1266 ? 1 : 37) places.push(at);
    for (const at of places) {
      const flipped = object.with(at, (object[at] as number) ^ (1 << (at % 8)));
      await expect(open(flipped), `byte ${at}`).rejects.toThrow(CryptoError);
    }
  });

  it('a field of another valid object', async () => {
    const other = await sealToRecipient({ ...place, recipient: pair.publicKey, payload, random: seededRandom(3) });
    const fields: readonly (readonly [number, number])[] = [
      [32, 64],
      [64, 96],
      [96, 1216],
      [1216, 1264],
      [96, 1264],
      [32, 1264],
      [1264, object.length],
    ];
    for (const [start, end] of fields) {
      const mixed = concatBytes(object.subarray(0, start), other.subarray(start, end), object.subarray(end));
      await expect(open(mixed), `bytes ${start} to ${end}`).rejects.toThrow(IntegrityError);
    }
  });

  it('cut or extended', async () => {
    for (const length of [0, 96, 1264, 1280, object.length - 1]) {
      await expect(open(object.subarray(0, length))).rejects.toThrow(MalformedObjectError);
    }
    await expect(open(concatBytes(object, new Uint8Array(1)))).rejects.toThrow(MalformedObjectError);
    await expect(open(concatBytes(object, new Uint8Array(64)))).rejects.toThrow(IntegrityError);
  });

  it('for another recipient, type, context or epoch', async () => {
    const stranger = await generateXWing(seededRandom(9));
    await expect(openAsRecipient({ bytes: object, expect: place, seed: stranger.seed })).rejects.toThrow(
      IntegrityError,
    );
    for (const change of [{ type: OBJECT_TYPE.grant }, { contextId: new Uint8Array(16) }, { epoch: 4 }]) {
      const expected = { ...place, ...change };
      await expect(openAsRecipient({ bytes: object, expect: expected, seed: pair.seed })).rejects.toMatchObject({
        code: 'integrity-place',
      });
    }
  });

  it('relabelled as another type, key and all', async () => {
    // The same K, coins and salt as a grant: the label and the header bind the type.
    const drawn = {
      recipient: pair.publicKey,
      payload,
      salt: new Uint8Array(32),
      key: new Uint8Array(32).fill(3),
      coins: new Uint8Array(64),
    };
    const session = await sealWrapped({ ...place, ...drawn });
    const grant = await sealWrapped({ ...place, type: OBJECT_TYPE.grant, ...drawn });
    const mixed = concatBytes(grant.subarray(0, 96), session.subarray(96, 1264), grant.subarray(1264));
    const expected = { ...place, type: OBJECT_TYPE.grant };
    await expect(openAsRecipient({ bytes: mixed, expect: expected, seed: pair.seed })).rejects.toThrow(IntegrityError);
  });

  it('asked for as if it were symmetric', async () => {
    const key = asKey('IndexKey', new Uint8Array(32));
    await expect(openObject({ bytes: object, expect: place, key })).rejects.toMatchObject({ code: 'integrity-place' });
  });
});

describe('a recipient that is none', () => {
  it('is refused before anything is sealed', async () => {
    for (const recipient of [new Uint8Array(1215), new Uint8Array(1216).fill(0xff)]) {
      await expect(sealToRecipient({ ...place, recipient, payload, random: seededRandom(1) })).rejects.toThrow(
        InvalidKeyError,
      );
    }
  });
});
