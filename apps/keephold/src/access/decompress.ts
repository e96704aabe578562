/** zstd frames on the main thread, which reads trees only: bounded by the length that the index promises. */
import { zstdDecompressSync } from 'node:zlib';

/** Throws for anything but one frame of exactly this length. */
export function decompress(frame: Uint8Array, rawLength: number): Uint8Array {
  const plain = zstdDecompressSync(frame, { maxOutputLength: rawLength });
  if (plain.length !== rawLength)
    throw new RangeError(`decompress frame: ${plain.length} bytes, ${rawLength} expected`);
  return new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
}
