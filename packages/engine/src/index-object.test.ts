import { concatBytes, fromHex, readU32, toHex, writeU32 } from '@keephold/bytes';
import { encodePackHeader } from '@keephold/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/format-v1.json' with { type: 'json' };
import { arbitraryPacks } from './_arbitrary-contents.ts';
import { DamagedError } from './errors.ts';
import { encodeIndexPayload, type IndexedPack, parseIndexPayload } from './index-object.ts';

const { V } = vectors;
const data = fromHex(V.indexObject.payload);
const meta = fromHex(V.metaIndexObject.payload);
const vaultId = fromHex(V.session.input.vaultId);

describe('index payload', () => {
  it('of the vectors is read and written as they have it', () => {
    const packs = parseIndexPayload(data, 1);
    expect(packs.map(({ packId }) => toHex(packId))).toEqual([V.packOnePage.packId, V.packTwoPages.packId]);
    expect(packs.map(({ contents }) => toHex(concatBytes(contents.frames, contents.blobs)))).toEqual([
      V.packOnePage.trailer,
      V.packTwoPages.trailer,
    ]);
    expect(toHex(encodeIndexPayload(packs))).toBe(V.indexObject.payload);
    expect(toHex(encodeIndexPayload(parseIndexPayload(meta, 2)))).toBe(V.metaIndexObject.payload);
  });

  it('holds what the header of a pack needs', () => {
    const packs = [...parseIndexPayload(data, 1), ...parseIndexPayload(meta, 2)];
    const headers = packs.map((pack) => toHex(encodePackHeader({ ...pack, vaultId: vaultId as never })));
    expect(headers).toEqual([V.packOnePage.header, V.packTwoPages.header, V.packMeta.header]);
  });

  it('is read back as it was written', () => {
    for (const kind of [1, 2] as const) {
      fc.assert(
        fc.property(arbitraryPacks(kind), (packs) => {
          expect(parseIndexPayload(encodeIndexPayload(packs), kind)).toEqual(packs);
        }),
      );
    }
  });

  it('of the other kind is refused', () => {
    expect(() => parseIndexPayload(data, 2)).toThrow(DamagedError);
    expect(() => parseIndexPayload(meta, 1)).toThrow(DamagedError);
  });

  it('is refused when cut or extended anywhere', () => {
    for (let length = 0; length < data.length; length++) {
      expect(() => parseIndexPayload(data.subarray(0, length), 1), `${length} bytes`).toThrow(DamagedError);
    }
    for (const more of [1, 20, 48, 88]) {
      expect(() => parseIndexPayload(concatBytes(data, new Uint8Array(more)), 1)).toThrow(DamagedError);
    }
  });

  it('says something else or is refused when any bit flips', () => {
    for (let at = 0; at < data.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = data.with(at, (data[at] as number) ^ (1 << bit));
        try {
          expect(toHex(encodeIndexPayload(parseIndexPayload(changed, 1)))).toBe(toHex(changed));
          expect(isFree(at), `byte ${at}`).toBe(true);
        } catch (error) {
          expect(error, `byte ${at}`).toBeInstanceOf(DamagedError);
        }
      }
    }
  });

  const first = parseIndexPayload(data, 1)[0] as IndexedPack;
  it.each<[string, Uint8Array]>([
    ['no pack', new Uint8Array(12)],
    ['counts beyond everything', new Uint8Array(12).fill(255)],
    ['a size off the ladder', set(data, 12 + 64, 9)],
    ['no page', set(data, 12 + 64, 0)],
    ['more pages than a pack has', set(data, 12 + 64, 512)],
    ['frames beyond the pages', encodeIndexPayload([withOffset(first, 65_536)])],
    ['a frame of a pack that is not there', set(data, framesAt() + 16, 2)],
    ['frames of packs in another order', set(set(data, framesAt() + 16, 1), framesAt() + 20 + 16, 0)],
    ['a pack without frames', set(data, framesAt() + 16, 1)],
    ['a blob of the frame of another pack', set(data, blobsAt() + 32, 1)],
    ['a blob of no frame', set(data, blobsAt() + 3 * 48 + 32, 3)],
  ])('is refused for %s', (_, payload) => {
    expect(() => parseIndexPayload(payload, 1)).toThrow(DamagedError);
  });

  it('is refused for more blobs than an index object may list', () => {
    const many = 65_537;
    const frames = set(set(new Uint8Array(16), 4, many), 8, many);
    const blobs = new Uint8Array(many * 48);
    for (let i = 0; i < many; i++) {
      writeU32(blobs, i * 48 + 36, i);
      writeU32(blobs, i * 48 + 40, 1);
      blobs[i * 48 + 44] = 1;
    }
    const pack = { ...first, pageCount: 256, contents: { frames, blobs } };
    expect(() => encodeIndexPayload([pack])).toThrow(RangeError);
    const payload = concatBytes(new Uint8Array(12 + 88 + 20), blobs);
    [1, 1, many].forEach((count, i) => writeU32(payload, i * 4, count));
    expect(() => parseIndexPayload(payload, 1)).toThrow(DamagedError);
  });

  it('cannot be written without a pack', () => {
    expect(() => encodeIndexPayload([])).toThrow(RangeError);
  });
});

function set(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const changed = bytes.slice();
  writeU32(changed, at, value);
  return changed;
}

function withOffset(pack: IndexedPack, offset: number): IndexedPack {
  return { ...pack, contents: { ...pack.contents, frames: set(pack.contents.frames, 0, offset) } };
}

function framesAt(): number {
  return 12 + readU32(data, 0) * 88;
}

function blobsAt(): number {
  return framesAt() + readU32(data, 4) * 20;
}

/** Bytes whose every value is well formed: ids, salts, sizes on the ladder, session ids, the last stored length. */
function isFree(at: number): boolean {
  if (at < 12) return false;
  if (at < framesAt()) {
    const field = (at - 12) % 88;
    return field < 65 || field >= 72;
  }
  if (at < blobsAt()) return at >= blobsAt() - 20 + 4 && at < blobsAt() - 20 + 8;
  return (at - blobsAt()) % 48 < 32;
}
