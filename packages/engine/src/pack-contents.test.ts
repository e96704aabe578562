import { fromHex, type PackKind, readU32, toHex, writeU32 } from '@keephold/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/format-v1.json' with { type: 'json' };
import { arbitraryContents } from './_arbitrary-contents.ts';
import { DamagedError } from './errors.ts';
import { blobCount, checkContents, encodeTail, frameCount, type PackContents, parseTail } from './pack-contents.ts';

const PAGE = 65_536;
const packs = [
  ['packOnePage', vectors.V.packOnePage],
  ['packTwoPages', vectors.V.packTwoPages],
  ['packMeta', vectors.V.packMeta],
] as const;

function rowsOf(trailer: string, frames: number): PackContents {
  const bytes = fromHex(trailer);
  return { frames: bytes.slice(0, frames * 16), blobs: bytes.slice(frames * 16) };
}

describe('pack trailer', () => {
  it.each(packs)('of %s is read and written as the vector has it', (_, vector) => {
    const size = vector.pageCount * PAGE;
    const tail = parseTail(fromHex(vector.tail), size);
    const contents = rowsOf(vector.trailer, tail.frames);
    expect([frameCount(contents), blobCount(contents)]).toEqual([tail.frames, tail.blobs]);
    expect(tail.trailerOffset + tail.trailerLength + 32).toBe(size);
    expect(toHex(encodeTail(tail.trailerOffset, contents))).toBe(vector.tail);
    const bytes = checkContents(vector.kind as PackKind, contents, tail.trailerOffset);
    const blobs = vector.input.frames.flatMap((frame) => frame.blobs as readonly unknown[]);
    expect(blobCount(contents)).toBe(blobs.length);
    expect(bytes).toBeGreaterThan(0);
  });

  it('is accepted for every layout that tiles', () => {
    for (const kind of [1, 2] as const) {
      fc.assert(
        fc.property(arbitraryContents(kind), (contents) => {
          const total = Array.from({ length: frameCount(contents) }, (_, i) => readU32(contents.frames, i * 16 + 8));
          expect(checkContents(kind, contents, 1 << 24)).toBe(total.reduce((sum, length) => sum + length, 0));
        }),
      );
    }
  });

  it('is refused for any other value of any field, or is another layout that tiles', () => {
    fc.assert(
      fc.property(arbitraryContents(1), fc.nat(), fc.integer({ min: 1, max: 255 }), (contents, where, mask) => {
        const rows = new Uint8Array([...contents.frames, ...contents.blobs]);
        const at = where % rows.length;
        rows[at] = (rows[at] as number) ^ mask;
        const changed = { frames: rows.slice(0, contents.frames.length), blobs: rows.slice(contents.frames.length) };
        const inBlobId = at >= contents.frames.length && (at - contents.frames.length) % 48 < 32;
        if (inBlobId) checkContents(1, changed, 1 << 24);
        else if (!isStoredLength(contents, at)) expect(() => checkContents(1, changed, 1 << 24)).toThrow(DamagedError);
      }),
      { numRuns: 300 },
    );
  });

  it('is refused when a frame reaches beyond its pack', () => {
    const contents = rowsOf(vectors.V.packTwoPages.trailer, 2);
    const end = 70_000 + 28;
    expect(checkContents(1, contents, end)).toBe(71_009);
    expect(() => checkContents(1, contents, end - 1)).toThrow(DamagedError);
  });

  const two = () => rowsOf(vectors.V.packTwoPages.trailer, 2);
  it.each<[string, (contents: PackContents) => PackContents]>([
    ['no frame', ({ blobs }) => ({ frames: new Uint8Array(), blobs })],
    ['no blob', ({ frames }) => ({ frames, blobs: new Uint8Array() })],
    ['half a frame', ({ frames, blobs }) => ({ frames: frames.slice(0, 24), blobs })],
    ['half a blob', ({ frames, blobs }) => ({ frames, blobs: blobs.slice(0, 100) })],
    ['a frame without blobs', ({ frames, blobs }) => ({ frames, blobs: blobs.slice(0, 48) })],
    ['blobs without a frame', ({ frames, blobs }) => ({ frames: frames.slice(0, 16), blobs })],
    ['overlapping frames', ({ frames, blobs }) => ({ frames: set(frames, 16, 69_999), blobs })],
    ['a gap between frames', ({ frames, blobs }) => ({ frames: set(frames, 16, 70_001), blobs })],
    ['a first frame that does not start at 0', ({ frames, blobs }) => ({ frames: set(frames, 0, 1), blobs })],
    ['a stored frame of another length', ({ frames, blobs }) => ({ frames: set(frames, 4, 69_999), blobs })],
    ['a compressed frame that did not shrink', ({ frames, blobs }) => ({ frames: set(frames, 20, 1009), blobs })],
    ['a compressed frame of nothing', ({ frames, blobs }) => ({ frames: set(frames, 20, 0), blobs })],
    [
      'a bomb: more plaintext than a frame may have',
      ({ frames, blobs }) => ({ frames: set(frames, 24, 5 << 20), blobs }),
    ],
    ['another compression', ({ frames, blobs }) => ({ frames: frames.with(28, 2), blobs })],
    ['a frame byte that must be zero', ({ frames, blobs }) => ({ frames: frames.with(31, 1), blobs })],
    ['a blob of a frame that is not there', ({ frames, blobs }) => ({ frames, blobs: set(blobs, 128, 2) })],
    ['blobs in another order', ({ frames, blobs }) => ({ frames, blobs: swapped(blobs) })],
    ['overlapping blobs', ({ frames, blobs }) => ({ frames, blobs: set(blobs, 96 + 36, 999) })],
    ['an empty blob', ({ frames, blobs }) => ({ frames, blobs: set(blobs, 40, 0) })],
    ['a blob longer than its frame', ({ frames, blobs }) => ({ frames, blobs: set(blobs, 40, 70_001) })],
    ['a tree in a data pack', ({ frames, blobs }) => ({ frames, blobs: blobs.with(44, 2) })],
    ['a blob byte that must be zero', ({ frames, blobs }) => ({ frames, blobs: blobs.with(47, 1) })],
  ])('is refused for %s', (_, change) => {
    checkContents(1, two(), 1 << 24);
    expect(() => checkContents(1, change(two()), 1 << 24)).toThrow(DamagedError);
  });

  it('is refused in a pack of the other kind', () => {
    expect(() => checkContents(2, two(), 1 << 24)).toThrow(DamagedError);
    expect(() => checkContents(1, rowsOf(vectors.V.packMeta.trailer, 1), 1 << 24)).toThrow(DamagedError);
  });

  it('takes larger frames from data packs than from meta packs', () => {
    const one = (kind: number, length: number) => {
      const frames = set(set(new Uint8Array(16), 4, length), 8, length);
      return { frames, blobs: set(new Uint8Array(48), 40, length).with(44, kind) };
    };
    expect(checkContents(2, one(2, 1.5 * 1024 * 1024), 1 << 24)).toBe(1.5 * 1024 * 1024);
    expect(() => checkContents(2, one(2, 1.5 * 1024 * 1024 + 1), 1 << 24)).toThrow(DamagedError);
    expect(checkContents(1, one(1, (4 << 20) + 65_536), 1 << 24)).toBe((4 << 20) + 65_536);
    expect(() => checkContents(1, one(1, (4 << 20) + 65_537), 1 << 24)).toThrow(DamagedError);
  });
});

describe('pack tail', () => {
  const tail = fromHex(vectors.V.packTwoPages.tail);

  it('is refused for any other byte', () => {
    for (let at = 0; at < tail.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = tail.with(at, (tail[at] as number) ^ (1 << bit));
        expect(() => parseTail(changed, 2 * PAGE), `byte ${at}`).toThrow(DamagedError);
      }
    }
  });

  it('is refused in a pack of another size', () => {
    for (const size of [PAGE, 2 * PAGE - 1, 2 * PAGE + 1, 0]) expect(() => parseTail(tail, size)).toThrow(DamagedError);
  });

  it('is refused when its counts overflow together', () => {
    const wide = set(set(tail, 8, 0x1000_0000), 12, 1);
    expect(() => parseTail(wide, 2 * PAGE)).toThrow(DamagedError);
  });
});

function set(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const changed = bytes.slice();
  writeU32(changed, at, value);
  return changed;
}

function swapped(blobs: Uint8Array): Uint8Array {
  return new Uint8Array([...blobs.slice(0, 48), ...blobs.slice(96, 144), ...blobs.slice(48, 96)]);
}

/** The one field that the layout does not fix: how long a compressed last frame is when stored. */
function isStoredLength({ frames }: PackContents, at: number): boolean {
  const field = at - (frames.length - 16);
  return field >= 4 && field < 8 && frames.at(-4) === 1;
}
