/** Arbitrary contents of packs, laid out as the format wants them; for property tests. */
import { concatBytes, isAllowedPageCount, type PackKind, writeU32 } from '@keephold/bytes';
import { asPackId, asSessionId } from '@keephold/protocol';
import fc from 'fast-check';
import type { IndexedPack } from './index-object.ts';
import type { PackContents } from './pack-contents.ts';

export const arbitraryBytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

interface FrameLayout {
  readonly lengths: readonly number[];
  /** Stored length as a share of the plaintext; 1: not compressed. */
  readonly share: number;
}

const frames = fc.array(
  fc.record({
    lengths: fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 4 }),
    share: fc.constantFrom(1, 1, 0.5, 0.1),
  }),
  { minLength: 1, maxLength: 4 },
);

export function arbitraryContents(kind: PackKind): fc.Arbitrary<PackContents> {
  return fc.tuple(frames, arbitraryBytes(32)).map(([layout, id]) => rowsOf(kind, layout, id));
}

function rowsOf(kind: PackKind, layout: readonly FrameLayout[], id: Uint8Array): PackContents {
  const frameRows: Uint8Array[] = [];
  const blobRows: Uint8Array[] = [];
  let offset = 0;
  layout.forEach(({ lengths, share }, frame) => {
    const raw = lengths.reduce((sum, length) => sum + length, 0);
    const stored = share < 1 && raw > 1 ? Math.max(1, Math.floor(raw * share)) : raw;
    frameRows.push(row(16, [offset, stored, raw], stored < raw ? 1 : 0));
    offset += stored;
    let inFrame = 0;
    for (const length of lengths) {
      const blob = row(48, [], 0);
      blob.set(id.map((byte) => byte + blobRows.length));
      blob.set(row(16, [frame, inFrame, length], kind === 1 ? 1 : 2 + (length % 2)), 32);
      blobRows.push(blob);
      inFrame += length;
    }
  });
  return { frames: concatBytes(...frameRows), blobs: concatBytes(...blobRows) };
}

function row(length: number, words: readonly number[], last: number): Uint8Array {
  const bytes = new Uint8Array(length);
  words.forEach((word, i) => writeU32(bytes, i * 4, word));
  if (words.length === 3) bytes[12] = last;
  return bytes;
}

export function arbitraryPacks(kind: PackKind): fc.Arbitrary<IndexedPack[]> {
  const pack = fc.record({
    packId: arbitraryBytes(32).map(asPackId),
    packSalt: arbitraryBytes(32),
    pageCount: fc.integer({ min: 4, max: 256 }).filter((pages) => isAllowedPageCount(kind, pages)),
    kind: fc.constant(kind),
    sessionId: arbitraryBytes(16).map(asSessionId),
    contents: arbitraryContents(kind),
  });
  return fc.array(pack, { minLength: 1, maxLength: 3 });
}
