/** Takes wanted blobs out of a fetched pack, verifies each by its id and hands its bytes to a sink, in a worker. */
import type { BulkCrypto } from '@keephold/crypto/bulk';
import type { FrameReader } from './frame-reader.ts';
import { type BlobSink, type PackRequest, PLACE_WORDS, WANTED_BLOB_WORDS, WANTED_FRAME_WORDS } from './pack-request.ts';

const id = new Uint8Array(32);

/** Answers the rows of blobs that are damaged. */
export function placeBlobs(request: PackRequest, reader: FrameReader, bulk: BulkCrypto, sink: BlobSink): number[] {
  const { frames } = request;
  const bad: number[] = [];
  for (let at = 0; at < frames.length; at += WANTED_FRAME_WORDS) {
    const first = frames[at + 4]!;
    const plain = reader.frame({
      offset: frames[at]!,
      storedLength: frames[at + 1]!,
      rawLength: frames[at + 2]!,
      compression: frames[at + 3]!,
    });
    for (let blob = first; blob < first + frames[at + 5]!; blob++) {
      const bytes = plain === undefined ? undefined : verified(request, blob, plain, bulk);
      if (bytes === undefined) bad.push(blob);
      placeBlob(request, blob, bytes, sink);
    }
  }
  return bad;
}

function verified(request: PackRequest, blob: number, frame: Uint8Array, bulk: BulkCrypto): Uint8Array | undefined {
  const at = blob * WANTED_BLOB_WORDS;
  const offset = request.blobs[at]!;
  const bytes = frame.subarray(offset, offset + request.blobs[at + 1]!);
  bulk.blobId(request.blobs[at + 2]! as 1 | 2 | 3, bytes, id);
  return isId(request.ids, blob * 32) ? bytes : undefined;
}

function isId(ids: Uint8Array, at: number): boolean {
  for (let i = 0; i < 32; i++) if (ids[at + i] !== id[i]) return false;
  return true;
}

function placeBlob(request: PackRequest, blob: number, bytes: Uint8Array | undefined, sink: BlobSink): void {
  const { places } = request;
  const first = request.blobs[blob * WANTED_BLOB_WORDS + 3]!;
  const end = first + request.blobs[blob * WANTED_BLOB_WORDS + 4]!;
  for (let at = first * PLACE_WORDS; at < end * PLACE_WORDS; at += PLACE_WORDS) {
    const file = places[at]!;
    if (bytes === undefined) {
      sink.spoil(file);
      continue;
    }
    const from = places[at + 3]!;
    const length = places[at + 4]!;
    const part = length === bytes.length ? bytes : bytes.subarray(from, from + length);
    sink.put(file, places[at + 1]! + places[at + 2]! * 0x1_0000_0000, part);
  }
}
