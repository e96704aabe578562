/** Goes through a WebP (RFC 9649) chunk by chunk to its end. It does not decode the image data. */
import { BrokenFileError } from '../errors.ts';
import type { FileBytes } from './file-bytes.ts';
import { latin1 } from './format.ts';
import type { Done } from './opened.ts';

const IMAGES = new Set(['VP8 ', 'VP8L', 'ANMF']);

export function openWebp(file: FileBytes): Done {
  const end = 8 + u32(file, 4);
  if (end > file.size) throw new BrokenFileError(`it ends at byte ${file.size}, and should reach to ${end}`);
  let images = 0;
  for (let at = 12; at < end; ) {
    const head = file.read(at, 8);
    const length = u32(file, at + 4);
    if (IMAGES.has(latin1(head.subarray(0, 4)))) images++;
    at += 8 + length + (length % 2);
    // The padding of the last one is sometimes left out.
    if (at > end + 1) throw new BrokenFileError(`a chunk of it reaches to byte ${at}, beyond its end`);
  }
  if (images === 0) throw new BrokenFileError('there is no image in it');
  return { did: 'read every chunk to the end (not decoded into pixels)', toTheEnd: true };
}

function u32(file: FileBytes, at: number): number {
  return Buffer.from(file.read(at, 4)).readUInt32LE(0);
}
