import { toHex } from '@keephold/bytes';
import { asDeviceId, asPackId } from '@keephold/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryPacks } from '../_arbitrary-contents.ts';
import type { IndexedPack } from '../index-object.ts';
import { layOut, noise } from './_memory-vault.ts';
import { BlobLocations, frameRow } from './blob-locations.ts';
import { IdTable } from './id-table.ts';

const author = asDeviceId(noise(16, 1));
const other = asDeviceId(noise(16, 2));
const id = (number: number): Uint8Array => noise(32, 1000 + number);

/** A pack of these blobs, each of its number's length, two a frame. */
function packOf(name: number, numbers: readonly number[]): IndexedPack {
  const blobs = numbers.map((number) => ({ kind: 1 as const, bytes: noise(number, number) }));
  const frames = Array.from({ length: Math.ceil(blobs.length / 2) }, (_, i) => ({
    blobs: blobs.slice(i * 2, i * 2 + 2),
  }));
  const { contents } = layOut(frames, ({ bytes }) => id(bytes.length) as never);
  return {
    packId: asPackId(noise(32, name)),
    packSalt: noise(32, 9),
    pageCount: 1,
    kind: 1,
    sessionId: author as never,
    contents,
  };
}

describe('BlobLocations', () => {
  it('knows the frame and offset of every blob', () => {
    const locations = new BlobLocations();
    locations.addPack(packOf(1, [10, 20, 30]), { author, preferred: true });
    expect(locations.places(id(20))).toMatchObject([{ frame: 0, offset: 10, length: 20, kind: 1 }]);
    expect(locations.places(id(30))).toMatchObject([{ frame: 1, offset: 0, length: 30 }]);
    const [place] = locations.places(id(30));
    expect(frameRow(place?.pack as never, 1)).toEqual({
      offset: 30,
      storedLength: 30,
      rawLength: 30,
      compressed: false,
    });
    expect(locations.places(id(40))).toEqual([]);
    expect([locations.has(id(10)), locations.has(id(40))]).toEqual([true, false]);
  });

  it('puts preferred packs first, newer before older', () => {
    const locations = new BlobLocations();
    locations.addPack(packOf(1, [10]), { author, preferred: false });
    locations.addPack(packOf(2, [10]), { author, preferred: true });
    locations.addPack(packOf(3, [10]), { author, preferred: false });
    locations.addPack(packOf(4, [10]), { author, preferred: true });
    const packs = locations.places(id(10)).map(({ pack }) => toHex(pack.packId));
    expect(packs).toEqual([4, 2, 3, 1].map((name) => toHex(noise(32, name))));
    expect(locations.firstPlace(locations.ids.find(id(10)))?.pack).toBe(locations.places(id(10))[0]?.pack);
    expect(locations.firstPlace(-1)).toBeUndefined();
  });

  it('takes a pack once from each author, so that none can hide what another lists', () => {
    const locations = new BlobLocations();
    const wrong = { ...packOf(1, [10]), packSalt: noise(32, 8) };
    locations.addPack(wrong, { author: other, preferred: true });
    for (let i = 0; i < 3; i++) locations.addPack(packOf(1, [10]), { author, preferred: true });
    expect(locations.places(id(10)).map(({ pack }) => toHex(pack.packSalt))).toEqual(
      [9, 8].map((salt) => toHex(noise(32, salt))),
    );
  });

  it('keeps no more than what is wanted', () => {
    const wanted = new IdTable();
    wanted.add(id(10));
    const locations = new BlobLocations(wanted);
    locations.addPack(packOf(1, [20, 30]), { author, preferred: true });
    locations.addPack(packOf(2, [20, 10]), { author, preferred: true });
    expect(locations.packs).toHaveLength(1);
    expect(wanted.size).toBe(1);
    expect(locations.places(id(20))).toEqual([]);
    expect(locations.firstPlace(0)).toMatchObject({ frame: 0, offset: 20, length: 10 });
  });

  it('finds every blob of arbitrary packs', () => {
    fc.assert(
      fc.property(arbitraryPacks(2), (packs) => {
        const locations = new BlobLocations();
        for (const pack of packs) locations.addPack(pack, { author, preferred: true });
        for (const { contents } of packs) {
          for (let at = 0; at < contents.blobs.length; at += 48) {
            const row = new DataView(contents.blobs.buffer, contents.blobs.byteOffset + at, 48);
            const places = locations.places(contents.blobs.subarray(at, at + 32));
            const found = places.some(
              (place) =>
                place.frame === row.getUint32(32, true) &&
                place.offset === row.getUint32(36, true) &&
                place.length === row.getUint32(40, true) &&
                place.kind === row.getUint8(44),
            );
            expect(found).toBe(true);
          }
        }
      }),
    );
  });
});
