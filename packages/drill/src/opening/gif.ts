/** Goes through a GIF (GIF89a specification) block by block to its trailer. The images are decoded by image-decoder.ts. */
import { BrokenFileError } from '../errors.ts';
import type { FileBytes } from './file-bytes.ts';
import type { Done } from './opened.ts';

const HEADER_LENGTH = 13;
const Block = { extension: 0x21, image: 0x2c, trailer: 0x3b } as const;

export function openGif(file: FileBytes): Done {
  let images = 0;
  for (let at = HEADER_LENGTH + colourTable(file.read(0, HEADER_LENGTH)[10]!); ; ) {
    // Some writers leave the trailer out, and viewers do not mind.
    const kind = at === file.size && images > 0 ? Block.trailer : file.read(at, 1)[0];
    if (kind === Block.trailer) return finish(images);
    if (kind === Block.extension) at = afterSubBlocks(file, at + 2);
    else if (kind === Block.image) {
      images++;
      at = afterImage(file, at);
    } else throw new BrokenFileError(`there is no block at byte ${at}`);
  }
}

function finish(images: number): Done {
  if (images === 0) throw new BrokenFileError('there is no image in it');
  const counted = images === 1 ? 'its image' : `its ${images} images`;
  return { did: `read every block of ${counted} to the end`, toTheEnd: true };
}

function afterImage(file: FileBytes, at: number): number {
  const data = at + 10 + colourTable(file.read(at, 10)[9]!);
  const bits = file.read(data, 1)[0]!;
  if (bits < 1 || bits > 8) throw new BrokenFileError(`the image at byte ${at} has codes of ${bits} bits`);
  return afterSubBlocks(file, data + 1);
}

/** Bytes of the table that these flags announce. */
function colourTable(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

function afterSubBlocks(file: FileBytes, start: number): number {
  for (let at = start; ; ) {
    const length = file.read(at, 1)[0]!;
    if (length === 0) return at + 1;
    at += 1 + length;
  }
}
