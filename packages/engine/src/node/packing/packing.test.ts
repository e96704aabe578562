import { fullPages, isAllowedPageCount, type PackKind, readU32 } from '@keephold/bytes';
import { packKey, type SessionKey } from '@keephold/crypto';
import { createBulkCrypto, PAGE_BYTES, SEALED_PAGE_BYTES } from '@keephold/crypto/bulk';
import { nativeLibrary } from '@keephold/ffi';
import { PACK_HEADER_LENGTH, parsePackHeader, type SessionId, type VaultId } from '@keephold/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blobCount, checkContents, frameCount, parseTail, TAIL_BYTES } from '../../pack-contents.ts';
import { createZstd } from '../zstd.ts';
import { FramePacker } from './frame-packer.ts';
import { FramePool, frameCost } from './frame-pool.ts';
import { copyOut, type OpenPack, PackBuilder, packAreaBytes, type SealedPack } from './pack-builder.ts';

const idKey = new Uint8Array(32).fill(3);
const identity = {
  vaultId: new Uint8Array(16).fill(1) as VaultId,
  sessionId: new Uint8Array(16).fill(2) as SessionId,
  sessionKey: new Uint8Array(32).fill(4) as SessionKey,
};
const portable = createBulkCrypto({ idKey, native: undefined });
const native = nativeLibrary();

interface Packed {
  readonly pack: SealedPack;
  readonly bytes: Uint8Array;
}

interface Blob {
  readonly id: Uint8Array;
  readonly bytes: Uint8Array;
  readonly kind: 1 | 2 | 3;
  readonly record: number;
}

class Bench {
  readonly packs: Packed[] = [];
  readonly packer: FramePacker;
  areas = 0;
  mostAreas = 0;

  constructor(
    kind: PackKind,
    isNative: boolean,
    random = (length: number) => crypto.getRandomValues(new Uint8Array(length)),
  ) {
    const library = isNative ? native : undefined;
    this.packer = new FramePacker({
      kind,
      bulk: createBulkCrypto({ idKey, native: library }),
      zstd: createZstd(library),
      level: 1,
      identity: () => identity,
      random,
      takeArea: () => this.#takeArea(kind),
      // One pack may be named beside the blobs of the next, two may not.
      tryTakeArea: isNative ? () => (this.areas < 2 ? this.#takeArea(kind) : undefined) : undefined,
      onPack: (pack, area) => {
        this.areas--;
        this.packs.push({ pack, bytes: area.slice(0, pack.length) });
      },
    });
  }

  #takeArea(kind: PackKind): Uint8Array {
    this.areas++;
    this.mostAreas = Math.max(this.mostAreas, this.areas);
    // What an earlier pack left in it must not show.
    return new Uint8Array(packAreaBytes(kind)).fill(0xa5);
  }

  add(blob: Blob): void {
    this.packer.addBlob(blob.id, blob.bytes, blob.kind, blob.record);
  }
}

function blob(kind: 1 | 2 | 3, bytes: Uint8Array, record: number): Blob {
  const id = new Uint8Array(32);
  portable.blobId(kind, bytes, id);
  return { id, bytes, kind, record };
}

/** Opens a pack as a reader does, with node:crypto and node:zlib only; answers its blobs in order. */
function openPack({ pack, bytes }: Packed): Blob[] {
  const zstd = createZstd(undefined);
  expect(bytes.length).toBe(PACK_HEADER_LENGTH + pack.pageCount * SEALED_PAGE_BYTES);
  const digest = new Uint8Array(32);
  portable.sha256(bytes, digest);
  expect(pack.packId).toEqual(digest);
  const header = parsePackHeader(bytes);
  expect(header).toMatchObject({ kind: pack.kind, pageCount: pack.pageCount, packSalt: pack.packSalt });
  const pages = bytes.slice(PACK_HEADER_LENGTH);
  expect(
    portable.openPages(packKey(identity.sessionKey, bytes.subarray(0, PACK_HEADER_LENGTH)), pages, 0, pack.pageCount),
  ).toBe(pack.pageCount);
  const plain = copyOut(pages, 0, pack.pageCount * PAGE_BYTES);
  const tail = parseTail(plain.subarray(plain.length - TAIL_BYTES), plain.length);
  const blobsAt = tail.trailerOffset + 16 * tail.frames;
  const contents = {
    frames: plain.subarray(tail.trailerOffset, blobsAt),
    blobs: plain.subarray(blobsAt, plain.length - TAIL_BYTES),
  };
  expect(contents).toEqual(pack.contents);
  checkContents(pack.kind, contents, tail.trailerOffset);
  const end =
    readU32(contents.frames, contents.frames.length - 16) + readU32(contents.frames, contents.frames.length - 12);
  expect(plain.subarray(end, tail.trailerOffset).every((byte) => byte === 0)).toBe(true);
  const frames = Array.from({ length: frameCount(contents) }, (_, i) => {
    const row = contents.frames.subarray(i * 16, i * 16 + 16);
    const stored = plain.subarray(readU32(row, 0), readU32(row, 0) + readU32(row, 4));
    if (row[12] === 0) return stored;
    const raw = new Uint8Array(readU32(row, 8));
    expect(zstd.decompress(stored, raw)).toBe(true);
    return raw;
  });
  return Array.from({ length: blobCount(contents) }, (_, i) => {
    const row = contents.blobs.subarray(i * 48, i * 48 + 48);
    const from = readU32(row, 36);
    const body = (frames[readU32(row, 32)] as Uint8Array).subarray(from, from + readU32(row, 40));
    return { id: row.subarray(0, 32), bytes: body, kind: row[44] as 1 | 2 | 3, record: pack.records[i] as number };
  });
}

const byRecord = (a: Blob, b: Blob): number => a.record - b.record;

/** All packs hold exactly these blobs, under the records they came with; at most one is short. */
function expectAll(packs: readonly Packed[], blobs: readonly Blob[], kind: PackKind): void {
  const found = packs.flatMap(openPack).sort(byRecord);
  expect(found.length).toBe(blobs.length);
  found.forEach((one, i) => {
    const wanted = blobs[i] as Blob;
    expect(one.record).toBe(wanted.record);
    expect(
      Buffer.compare(one.bytes, wanted.bytes) === 0 &&
        Buffer.compare(one.id, wanted.id) === 0 &&
        one.kind === wanted.kind,
    ).toBe(true);
  });
  const counts = packs.map(({ pack }) => pack.pageCount);
  expect(counts.filter((count) => count !== fullPages(kind)).length).toBeLessThanOrEqual(1);
  for (const count of counts) expect(isAllowedPageCount(kind, count)).toBe(true);
}

/** Sizes that matter: one byte, group borders, a frame of its own; noise or text. */
const drafts = fc.array(
  fc.record({
    length: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 1, max: 5000 }) },
      { weight: 3, arbitrary: fc.integer({ min: 100_000, max: 300_000 }) },
      { weight: 1, arbitrary: fc.constantFrom(262_143, 262_144, 262_145, 1_048_576, 3_500_000, 4_194_304) },
    ),
    noisy: fc.boolean(),
    repeat: fc.constantFrom(1, 1, 1, 7, 60),
  }),
  { minLength: 1, maxLength: 40 },
);

function makeBlobs(layout: readonly { length: number; noisy: boolean; repeat: number }[], kind: PackKind): Blob[] {
  const blobs: Blob[] = [];
  let state = 88_172_645;
  for (const { length, noisy, repeat } of layout) {
    for (let n = 0; n < repeat; n++) {
      const bytes = new Uint8Array(kind === 2 ? Math.min(length, 500_000) : length);
      for (let i = 0; i < bytes.length; i++) {
        if (noisy || i < 8) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
        bytes[i] = noisy || i < 8 ? state >>> 24 : i % 50;
      }
      blobs.push(blob(kind === 1 ? 1 : n % 2 === 0 ? 2 : 3, bytes, blobs.length));
    }
  }
  return blobs;
}

describe('packer', () => {
  it.each([
    [1, true],
    [2, true],
    [1, false],
    [2, false],
  ] as const)('gives every blob back (kind %i, native %s)', (kind, isNative) => {
    fc.assert(
      fc.property(drafts, (layout) => {
        const blobs = makeBlobs(layout, kind);
        const bench = new Bench(kind, isNative);
        for (const one of blobs) bench.add(one);
        bench.packer.finish();
        expectAll(bench.packs, blobs, kind);
        expect(bench.areas).toBe(0);
        expect(bench.mostAreas).toBeLessThanOrEqual(2);
      }),
      { numRuns: isNative ? 12 : 5 },
    );
  });

  it('brings open packs of several packers together into full ones and one short one', () => {
    fc.assert(
      fc.property(fc.array(drafts, { minLength: 2, maxLength: 4 }), (layouts) => {
        const benches = layouts.map(() => new Bench(1, true));
        const blobs = makeBlobs(layouts.flat(), 1);
        blobs.forEach((one, i) => benches[i % benches.length]?.add(one));
        const open = benches
          .map(({ packer }) => packer.releaseOpen())
          .filter((pack): pack is OpenPack => pack !== undefined);
        const last = benches[0] as Bench;
        for (const pack of open) last.packer.takeOver(structuredClone(pack));
        last.packer.finish();
        expectAll(
          benches.flatMap(({ packs }) => packs),
          blobs,
          1,
        );
      }),
      { numRuns: 8 },
    );
  });

  it('is the same with and without the native library, down to the last byte', () => {
    if (native === undefined) return;
    const blobs = makeBlobs(
      [
        { length: 70_000, noisy: false, repeat: 50 },
        { length: 400_000, noisy: true, repeat: 50 },
      ],
      1,
    );
    const [a, b] = [true, false].map((isNative) => {
      const bench = new Bench(1, isNative, (length) => new Uint8Array(length).fill(9));
      for (const one of blobs) bench.add(one);
      bench.packer.finish();
      return bench.packs.map(({ pack }) => pack.packId);
    });
    expect(a).toEqual(b);
  });

  it('closes a pack at 65,536 blobs', () => {
    const blobs = Array.from({ length: 70_000 }, (_, i) => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setUint32(0, i);
      return blob(1, bytes, i);
    });
    const bench = new Bench(1, true);
    for (const one of blobs) bench.add(one);
    bench.packer.finish();
    for (const { pack } of bench.packs) expect(blobCount(pack.contents)).toBeLessThanOrEqual(65_536);
    expect(bench.packs.length).toBe(2);
    expectAll(bench.packs, blobs, 1);
  });

  it('fills packs to the last frame that fits', () => {
    const bench = new Bench(1, true);
    for (let i = 0; i < 200; i++) {
      const bytes = new Uint8Array(400_000 + ((i * 7919) % 600_000));
      for (let at = 0; at < bytes.length; at += 65_536)
        crypto.getRandomValues(bytes.subarray(at, Math.min(bytes.length, at + 65_536)));
      bench.add(blob(1, bytes, i));
    }
    bench.packer.settle();
    const fill = bench.packs.map(({ pack: { contents } }) => {
      const { frames } = contents;
      return (readU32(frames, frames.length - 16) + readU32(frames, frames.length - 12)) / (256 * PAGE_BYTES);
    });
    expect(fill.reduce((sum, share) => sum + share, 0) / fill.length).toBeGreaterThan(0.985);
    expect(bench.packs.length).toBeGreaterThan(3);
  });

  it('fills packs also where all frames compress alike', () => {
    const bench = new Bench(1, true);
    let state = 7;
    for (let i = 0; i < 6000; i++) {
      const bytes = new Uint8Array(16_384);
      for (let at = 0; at < bytes.length; at++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
        bytes[at] = (state >>> 24) & 15;
      }
      bench.add(blob(1, bytes, i));
    }
    bench.packer.settle();
    const gaps = bench.packs.map(({ pack: { contents } }) => {
      const end =
        readU32(contents.frames, contents.frames.length - 16) + readU32(contents.frames, contents.frames.length - 12);
      return 256 * PAGE_BYTES - end - contents.frames.length - contents.blobs.length - TAIL_BYTES;
    });
    expect(gaps.length).toBeGreaterThan(1);
    // Half a frame would be 350,000.
    for (const gap of gaps) expect(gap).toBeLessThan(100_000);
  });

  it('puts long blobs that compress into one frame with others, and those that do not into their own', () => {
    const bench = new Bench(1, true);
    const text = (fill: number) => new Uint8Array(700_000).map((_, at) => (at * fill) % 61);
    const noise = new Uint8Array(700_000);
    for (let at = 0; at < noise.length; at += 65_536) crypto.getRandomValues(noise.subarray(at, at + 65_536));
    const blobs = [text(3), noise, text(5)].map((bytes, i) => blob(1, bytes, i));
    for (const one of blobs) bench.add(one);
    bench.packer.finish();
    expectAll(bench.packs, blobs, 1);
    const { contents } = bench.packs[0]!.pack;
    expect(frameCount(contents)).toBe(2);
    expect([contents.frames[12], contents.frames[28]]).toEqual([0, 1]);
  });

  it('notices memory that does not keep what was put there', () => {
    const area = new Uint8Array(packAreaBytes(1));
    const builder = new PackBuilder(1, area);
    const one = blob(1, new Uint8Array(100).fill(1), 0);
    builder.addFrame(
      one.bytes,
      { rawLength: 100, compressed: false },
      { ids: one.id, lengths: [100], records: [0], kinds: [1], count: 1 },
    );
    const bad = {
      ...portable,
      sealPages: (...call: Parameters<typeof portable.sealPages>) => {
        portable.sealPages(...call);
        call[1][call[1].length > 0 ? 5 : 0]! ^= 1;
      },
    };
    expect(() => builder.seal(identity, bad, new Uint8Array(32), 'short')).toThrow(/does not read back/);
  });
});

describe('frame pool', () => {
  it('chooses what fills the room best', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 0, max: 1500 }),
        (sizes, room) => {
          const pool = new FramePool(10_000);
          for (const size of sizes) {
            pool.add(
              new Uint8Array(size),
              { rawLength: size, compressed: false },
              { ids: new Uint8Array(32), lengths: [size], records: [0], kinds: [1], count: 1 },
            );
          }
          const costs = sizes.map((size) => frameCost(size, 1));
          let best = 0;
          for (let set = 0; set < 1 << sizes.length; set++) {
            const sum = costs.reduce((total, cost, i) => total + ((set >> i) & 1) * cost, 0);
            if (sum <= room) best = Math.max(best, sum);
          }
          const taken = pool.takeBest(room);
          expect(taken.reduce((sum, frame) => sum + frame.cost, 0)).toBe(best);
          expect(taken.length + pool.takeAll().length).toBe(sizes.length);
        },
      ),
    );
  });
});
