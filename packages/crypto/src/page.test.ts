/** Pages: round trips, and everything that must fail. */

import { concatBytes } from '@keephold/bytes';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from './_seeded-random.ts';
import { asKey, IntegrityError, InvalidKeyError, MalformedObjectError, openPage, packKey, sealPage } from './index.ts';

const session = asKey('SessionKey', new Uint8Array(32).fill(1));
const header = seededRandom(1)(96);
const key = packKey(session, header);
const page = seededRandom(2)(65_536);
let sealed: Uint8Array;
beforeAll(async () => {
  sealed = await sealPage({ key, index: 5, page });
});

describe('pages', () => {
  it('open to what was sealed, at their index', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(0xffffffff), fc.nat(255), async (index, seed) => {
        const plaintext = new Uint8Array(65_536).fill(seed);
        const result = await sealPage({ key, index, page: plaintext });
        expect(result.length).toBe(65_552);
        expect(await openPage({ key, index, sealed: result })).toEqual(plaintext);
      }),
      { numRuns: 10 },
    );
  });

  it('do not open when a bit is flipped', async () => {
    for (let at = 0; at < sealed.length; at += at < 65_536 ? 4099 : 1) {
      const flipped = sealed.with(at, (sealed[at] as number) ^ (1 << (at % 8)));
      await expect(openPage({ key, index: 5, sealed: flipped }), `byte ${at}`).rejects.toThrow(IntegrityError);
    }
  });

  it('do not open at another index, nor under the key of any other header', async () => {
    for (const index of [4, 6, 5 + 2 ** 8])
      await expect(openPage({ key, index, sealed })).rejects.toThrow(IntegrityError);
    for (let at = 0; at < 96; at++) {
      const other = packKey(session, header.with(at, (header[at] as number) ^ (1 << (at % 8))));
      await expect(openPage({ key: other, index: 5, sealed }), `header byte ${at}`).rejects.toThrow(IntegrityError);
    }
  });

  it('refuse other lengths and impossible indices', async () => {
    await expect(openPage({ key, index: 5, sealed: sealed.subarray(1) })).rejects.toThrow(MalformedObjectError);
    await expect(openPage({ key, index: 5, sealed: concatBytes(sealed, sealed) })).rejects.toThrow(
      MalformedObjectError,
    );
    await expect(sealPage({ key, index: 0, page: page.subarray(1) })).rejects.toThrow(InvalidKeyError);
    for (const index of [-1, 0.5, 2 ** 32, Number.NaN]) {
      await expect(sealPage({ key, index, page })).rejects.toThrow(InvalidKeyError);
      await expect(openPage({ key, index, sealed })).rejects.toThrow(InvalidKeyError);
    }
    expect(() => packKey(session, header.subarray(1))).toThrow(InvalidKeyError);
  });
});
