/** Takes wanted blobs out of a fetched pack, verifies each by its id and hands its bytes to a sink, in a worker. */
import type { BulkCrypto } from '@keephold/crypto/bulk';
import { BlobBatch } from './blob-batch.ts';
import { type FrameReader, type Pieces, slicePieces } from './frame-reader.ts';
import { type BlobSink, type PackRequest, PLACE_WORDS, WANTED_BLOB_WORDS, WANTED_FRAME_WORDS } from './pack-request.ts';

/** Answers the rows of blobs that are damaged. */
export function placeBlobs(request: PackRequest, reader: FrameReader, bulk: BulkCrypto, sink: BlobSink): number[] {
  const { frames, blobs, ids } = request;
  const bad: number[] = [];
  const batch = new BlobBatch({
    bulk,
    ids,
    idAt: (blob) => blob * 32,
    onBlob: (blob, pieces) => {
      if (pieces === undefined) bad.push(blob);
      placeBlob(request, blob, pieces, sink);
    },
  });
  for (let at = 0; at < frames.length; at += WANTED_FRAME_WORDS) {
    const compression = frames[at + 3]!;
    batch.beginFrame(compression !== 0);
    const plain = reader.frame({
      offset: frames[at]!,
      storedLength: frames[at + 1]!,
      rawLength: frames[at + 2]!,
      compression,
    });
    const first = frames[at + 4]!;
    for (let blob = first; blob < first + frames[at + 5]!; blob++) {
      const row = blob * WANTED_BLOB_WORDS;
      if (plain === undefined) batch.addBad(blob);
      else batch.add(blob, blobs[row + 2]! as 1 | 2 | 3, slicePieces(plain, blobs[row]!, blobs[row + 1]!));
    }
  }
  batch.settle();
  return bad;
}

function placeBlob(request: PackRequest, blob: number, bytes: Pieces | undefined, sink: BlobSink): void {
  const { places } = request;
  const row = blob * WANTED_BLOB_WORDS;
  const size = request.blobs[row + 1]!;
  const first = request.blobs[row + 3]!;
  const end = first + request.blobs[row + 4]!;
  for (let at = first * PLACE_WORDS; at < end * PLACE_WORDS; at += PLACE_WORDS) {
    const file = places[at]!;
    if (bytes === undefined) {
      sink.spoil(file);
      continue;
    }
    const length = places[at + 4]!;
    const part = length === size ? bytes : slicePieces(bytes, places[at + 3]!, length);
    sink.put(file, places[at + 1]! + places[at + 2]! * 0x1_0000_0000, part);
  }
}
