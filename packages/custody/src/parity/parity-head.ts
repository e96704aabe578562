/**
 * The head of a parity file (format.md §11): which bytes of which file it protects, how they are cut, and a hash of every
 * block, so that anybody sees which blocks are rotten. It stands twice in the file.
 *
 * ```
 * 0  4 "KHPY"          4  1 version = 1     5  1 percent 1–100, what packs of the repository get     6  2 zero
 * 8  4 fileLength      12 4 blockLength     16 4 stripes S     20 4 parityPerStripe     24 8 zero
 * 32 32 SHA-256 of the file's name          64 32 SHA-256 of the file
 * 96 … data blocks × 32 ‖ parity blocks × 32 (SHA-256 of each), then SHA-256 of all before
 * ```
 */
import { concatBytes, equalBytes, readU32, utf8Encode, writeU32 } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { MalformedRecordError } from '@keephold/protocol';
import {
  dataBlocks,
  dataPerStripe,
  LARGEST_FILE,
  LARGEST_STRIPE,
  type ParityShape,
  parityBlocks,
} from './parity-shape.ts';

const MAGIC = utf8Encode('KHPY');
const VERSION = 1;
const FIXED = 96;
export const HASH = 32;
/** 64 KiB is what is written; room for other choices. */
const LARGEST_BLOCK = 1024 * 1024;
export const LARGEST_PERCENT = 100;

export interface ParityHead {
  /** What packs of the repository get: it says so when the marker is lost. */
  readonly percent: number;
  readonly shape: ParityShape;
  readonly nameHash: Uint8Array;
  readonly fileHash: Uint8Array;
  /** Hashes of the data blocks, then of the parity blocks, 32 bytes each. */
  readonly blockHashes: Uint8Array;
}

export function encodeParityHead({ percent, shape, nameHash, fileHash, blockHashes }: ParityHead): Uint8Array {
  const fixed = new Uint8Array(FIXED);
  fixed.set(MAGIC);
  fixed[4] = VERSION;
  fixed[5] = percent;
  writeU32(fixed, 8, shape.fileLength);
  writeU32(fixed, 12, shape.blockLength);
  writeU32(fixed, 16, shape.stripes);
  writeU32(fixed, 20, shape.parityPerStripe);
  fixed.set(nameHash, 32);
  fixed.set(fileHash, 64);
  return concatBytes(fixed, blockHashes, sha256(fixed, blockHashes));
}

export function parityHeadLength(shape: ParityShape): number {
  return FIXED + HASH * (dataBlocks(shape) + parityBlocks(shape)) + HASH;
}

/**
 * `bytes` may go on after the head.
 * @throws MalformedRecordError on anything but what `encodeParityHead` wrote
 */
export function parseParityHead(bytes: Uint8Array): ParityHead {
  if (bytes.length < FIXED + HASH) throw malformed(`${bytes.length} bytes`);
  if (!equalBytes(bytes.subarray(0, 4), MAGIC) || bytes[4] !== VERSION) throw malformed('not version 1');
  const percent = bytes[5] as number;
  if (percent < 1 || percent > LARGEST_PERCENT) throw malformed(`${percent} percent`);
  const zeros = bytes[6] === 0 && bytes[7] === 0 && readU32(bytes, 24) === 0 && readU32(bytes, 28) === 0;
  if (!zeros) throw malformed('a reserved byte is not zero');
  const shape = parseShape(bytes);
  const length = parityHeadLength(shape);
  if (bytes.length < length) throw malformed('it is cut off');
  const end = length - HASH;
  if (!equalBytes(sha256(bytes.subarray(0, end)), bytes.subarray(end, length)))
    throw malformed('the checksum is wrong');
  return {
    percent,
    shape,
    nameHash: bytes.subarray(32, 64),
    fileHash: bytes.subarray(64, FIXED),
    blockHashes: bytes.subarray(FIXED, end),
  };
}

/** Every number that follows from it is small: nothing is allocated for a shape that lies. */
function parseShape(bytes: Uint8Array): ParityShape {
  const shape = {
    fileLength: readU32(bytes, 8),
    blockLength: readU32(bytes, 12),
    stripes: readU32(bytes, 16),
    parityPerStripe: readU32(bytes, 20),
  };
  const { fileLength, blockLength, stripes, parityPerStripe } = shape;
  if (fileLength < 1 || fileLength > LARGEST_FILE) throw malformed(`it is for a file of ${fileLength} bytes`);
  if (blockLength < 1 || blockLength > LARGEST_BLOCK) throw malformed(`blocks of ${blockLength} bytes`);
  if (stripes < 1 || stripes > dataBlocks(shape)) throw malformed(`${stripes} stripes`);
  if (parityPerStripe < 1 || dataPerStripe(shape) + parityPerStripe > LARGEST_STRIPE) {
    throw malformed(`${parityPerStripe} parity blocks in a stripe`);
  }
  return shape;
}

function malformed(cause: string): MalformedRecordError {
  return new MalformedRecordError(`read parity: ${cause}`);
}
