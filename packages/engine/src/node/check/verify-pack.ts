/**
 * Reads all of one pack in a worker thread: every page opens, the trailer is what the index says, the padding is zero,
 * every frame decompresses and every blob has its id (format.md §4, security.md §8 items 8 to 11).
 *
 * The pack is not hashed again for its name: the key of its pages is bound to the whole header, and the tags bind every
 * byte after it, so a pack whose pages all open under the header rebuilt from the index is the pack that was written.
 */
import { equalBytes, freeBytes, type PackKind, readU32 } from '@keephold/bytes';
import { type BulkCrypto, PAGE_BYTES } from '@keephold/crypto/bulk';
import { DamagedError } from '../../errors.ts';
import {
  BLOB_ROW_BYTES,
  checkContents,
  FRAME_ROW_BYTES,
  frameCount,
  type PackContents,
  parseTail,
  TAIL_BYTES,
  type Tail,
} from '../../pack-contents.ts';
import { BlobBatch } from '../restore/pack-reading/blob-batch.ts';
import { type FrameReader, slicePieces } from '../restore/pack-reading/frame-reader.ts';
import type { PackFindings } from '../restore/pack-reading/read-messages.ts';

export interface VerifyPackOptions {
  readonly kind: PackKind;
  /** As the index has them. */
  readonly contents: PackContents;
  readonly pageCount: number;
  /** Started with the pages of this pack. */
  readonly reader: FrameReader;
  readonly bulk: BulkCrypto;
}

export function verifyPack(options: VerifyPackOptions): PackFindings {
  const { reader, pageCount } = options;
  const badBlobs = verifyBlobs(options);
  const structure = verifyTrailer(options);
  let badPages = 0;
  for (let page = 0; page < pageCount; page++) if (!reader.openPage(page)) badPages++;
  return { badPages, structure, badBlobs };
}

/** Ids of those that are bad. */
function verifyBlobs({ contents, reader, bulk }: VerifyPackOptions): Uint8Array {
  const { frames, blobs } = contents;
  const bad: Uint8Array[] = [];
  const batch = new BlobBatch({
    bulk,
    ids: blobs,
    idAt: (row) => row * BLOB_ROW_BYTES,
    onBlob: (row, pieces) => {
      if (pieces === undefined) bad.push(blobs.subarray(row * BLOB_ROW_BYTES, row * BLOB_ROW_BYTES + 32));
    },
  });
  let row = 0;
  for (let frame = 0; frame < frameCount(contents); frame++) {
    const at = frame * FRAME_ROW_BYTES;
    const rawLength = readU32(frames, at + 8);
    const compression = frames[at + 12]!;
    batch.beginFrame(compression !== 0);
    const offset = readU32(frames, at);
    const plain = reader.frame({ offset, storedLength: readU32(frames, at + 4), rawLength, compression });
    for (let from = 0; from < rawLength; row++) {
      const blob = row * BLOB_ROW_BYTES;
      const length = readU32(blobs, blob + 40);
      if (plain === undefined) batch.addBad(row);
      else batch.add(row, blobs[blob + 44] as 1 | 2 | 3, slicePieces(plain, from, length));
      from += length;
    }
  }
  batch.settle();
  const ids = new Uint8Array(bad.length * 32);
  bad.forEach((id, i) => ids.set(id, i * 32));
  return ids;
}

/** What is wrong with the trailer and the padding. */
function verifyTrailer({ kind, contents, pageCount, reader }: VerifyPackOptions): string[] {
  const size = pageCount * PAGE_BYTES;
  const tailBytes = reader.plaintext(size - TAIL_BYTES, new Uint8Array(TAIL_BYTES));
  if (tailBytes === undefined) return ['the page of its trailer does not open'];
  let tail: Tail;
  try {
    tail = parseTail(tailBytes, size);
  } catch (cause) {
    if (cause instanceof DamagedError) return [cause.message];
    throw cause;
  }
  const frames = reader.plaintext(tail.trailerOffset, new Uint8Array(tail.frames * FRAME_ROW_BYTES));
  const blobs = reader.plaintext(
    tail.trailerOffset + tail.frames * FRAME_ROW_BYTES,
    new Uint8Array(tail.blobs * BLOB_ROW_BYTES),
  );
  if (frames === undefined || blobs === undefined) return ['a page of its trailer does not open'];
  const isSame = equalBytes(frames, contents.frames) && equalBytes(blobs, contents.blobs);
  freeBytes(blobs);
  if (!isSame) return ['its trailer is not what the index says'];
  try {
    checkContents(kind, contents, tail.trailerOffset);
  } catch (cause) {
    if (cause instanceof DamagedError) return [cause.message];
    throw cause;
  }
  const last = contents.frames.length - FRAME_ROW_BYTES;
  const end = readU32(contents.frames, last) + readU32(contents.frames, last + 4);
  return reader.isZero(end, tail.trailerOffset) ? [] : ['its padding is not zero'];
}
