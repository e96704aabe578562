/**
 * Parity files (format.md §11): head ‖ parity blocks ‖ head ‖ length of the head u32 ‖ "KHPE". Made from the bytes of a
 * file; with one, damaged blocks of the file are made again. No key is needed, and nothing is believed that no hash proves.
 */
import { concatBytes, equalBytes, readU32, utf8Encode, writeU32 } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { CustodyError, MalformedRecordError } from '@keephold/protocol';
import { ParityEncoder } from './parity-encoder.ts';
import { encodeParityHead, HASH, type ParityHead, parityHeadLength, parseParityHead } from './parity-head.ts';
import { chooseShape, dataBlock, dataBlocks, dataPerStripe, type ParityShape, parityBlocks } from './parity-shape.ts';
import { type StripeCode, type StripeSizes, stripeCode } from './reed-solomon.ts';

const END_MAGIC = utf8Encode('KHPE');
const END = 8;

export interface ParityRequest {
  /** Of the protected file in the repository. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Parity for this file. */
  readonly percent: number;
  /** What packs of the repository get. */
  readonly packPercent: number;
  /** Where it is known already; parity that was made with another mends nothing. */
  readonly fileHash?: Uint8Array | undefined;
}

export interface ParityFile {
  readonly head: ParityHead;
  /** As they lie there: rotten ones and ones that were cut off included. */
  readonly blocks: Uint8Array;
}

let encoder: ParityEncoder | undefined;

/** Memory: the parity file twice. */
export function makeParityFile({ name, bytes, percent, packPercent, fileHash }: ParityRequest): Uint8Array {
  const shape = chooseShape(bytes.length, percent);
  encoder ??= new ParityEncoder();
  encoder.begin(shape);
  const blockHashes = new Uint8Array((dataBlocks(shape) + parityBlocks(shape)) * HASH);
  for (let index = 0; index < dataBlocks(shape); index++) {
    const block = dataBlock(bytes, shape, index);
    encoder.add(index, block);
    // Right after: its bytes are in the processor's cache.
    blockHashes.set(sha256(block), index * HASH);
  }
  const { blocks } = encoder;
  for (let index = 0; index < parityBlocks(shape); index++)
    blockHashes.set(sha256(parityBlock(blocks, shape, index)), (dataBlocks(shape) + index) * HASH);
  const hashes = { nameHash: nameHashOf(name), fileHash: fileHash ?? sha256(bytes), blockHashes };
  const head = encodeParityHead({ percent: packPercent, shape, ...hashes });
  return concatBytes(head, blocks, head, endOf(head.length));
}

/**
 * By whichever head is whole.
 * @throws MalformedRecordError when neither is, or it is not for the file of that name
 */
export function readParityFile(bytes: Uint8Array, name: string): ParityFile {
  const { head, at } = readHead(bytes);
  if (!equalBytes(head.nameHash, nameHashOf(name)))
    throw new MalformedRecordError('read parity: it is for another file');
  return { head, blocks: bytes.subarray(at, at + parityBlocks(head.shape) * head.shape.blockLength) };
}

/** Whether nothing of it is damaged. */
export function isWholeParity(bytes: Uint8Array, { head, blocks }: ParityFile): boolean {
  const { shape } = head;
  const length = parityHeadLength(shape);
  const end = bytes.length - END - length;
  if (end !== length + blocks.length || blocks.length !== parityBlocks(shape) * shape.blockLength) return false;
  if (!equalBytes(bytes.subarray(0, length), bytes.subarray(end, end + length))) return false;
  if (!equalBytes(bytes.subarray(-END), endOf(length))) return false;
  return Array.from({ length: parityBlocks(shape) }, (_, index) => isSoundParity({ head, blocks }, index)).every(
    Boolean,
  );
}

/**
 * The file as it was, from what is left of it and the parity.
 * @throws CustodyError 'damaged' when more is lost than the parity can make again
 */
export function mendFile(name: string, damaged: Uint8Array, { head, blocks }: ParityFile): Uint8Array {
  const { shape } = head;
  const mended = new Uint8Array(shape.fileLength);
  mended.set(damaged.subarray(0, shape.fileLength));
  const sizes = { data: dataPerStripe(shape), parity: shape.parityPerStripe, blockLength: shape.blockLength };
  const code = stripeCode(sizes);
  for (let stripe = 0; stripe < shape.stripes; stripe++) {
    mendStripe(mended, { name, head, blocks, stripe, sizes, code });
  }
  if (!equalBytes(sha256(mended), head.fileHash)) throw beyond(name, 'its blocks are not those of the file');
  return mended;
}

interface StripeMending {
  readonly name: string;
  readonly head: ParityHead;
  readonly blocks: Uint8Array;
  readonly stripe: number;
  readonly sizes: StripeSizes;
  readonly code: StripeCode;
}

function mendStripe(file: Uint8Array, { name, head, blocks, stripe, sizes, code }: StripeMending): void {
  const { shape } = head;
  const { blockLength } = shape;
  const rotten: { readonly index: number; readonly place: number }[] = [];
  forStripe(shape, stripe, (index, place) => {
    if (!isSound(head, index, dataBlock(file, shape, index))) rotten.push({ index, place });
  });
  if (rotten.length === 0) return;
  const sound = Array.from({ length: sizes.parity }, (_, i) =>
    isSoundParity({ head, blocks }, i * shape.stripes + stripe),
  );
  const left = sound.filter(Boolean).length;
  if (left < rotten.length)
    throw beyond(name, `${rotten.length} blocks of a stripe are rotten, parity is left for ${left}`);
  const area = new Uint8Array((sizes.data + sizes.parity) * blockLength);
  forStripe(shape, stripe, (index, place) => area.set(dataBlock(file, shape, index), place * blockLength));
  for (let i = 0; i < sizes.parity; i++) {
    area.set(parityBlock(blocks, shape, i * shape.stripes + stripe), (sizes.data + i) * blockLength);
  }
  const isRotten = new Set(rotten.map(({ place }) => place));
  const places = Array.from({ length: sizes.data }, (_, place) => !isRotten.has(place));
  code.reconstruct(area, [...places, ...sound]);
  for (const { index, place } of rotten) {
    const target = dataBlock(file, shape, index);
    target.set(area.subarray(place * blockLength, place * blockLength + target.length));
  }
}

function isSoundParity({ head, blocks }: ParityFile, index: number): boolean {
  return isSound(head, dataBlocks(head.shape) + index, parityBlock(blocks, head.shape, index));
}

function isSound({ blockHashes }: ParityHead, index: number, block: Uint8Array): boolean {
  return equalBytes(sha256(block), blockHashes.subarray(index * HASH, (index + 1) * HASH));
}

function forStripe(shape: ParityShape, stripe: number, use: (index: number, place: number) => void): void {
  for (let index = stripe; index < dataBlocks(shape); index += shape.stripes) {
    use(index, Math.floor(index / shape.stripes));
  }
}

function parityBlock(blocks: Uint8Array, { blockLength }: ParityShape, index: number): Uint8Array {
  return blocks.subarray(index * blockLength, (index + 1) * blockLength);
}

function readHead(bytes: Uint8Array): { readonly head: ParityHead; readonly at: number } {
  try {
    const head = parseParityHead(bytes);
    return { head, at: parityHeadLength(head.shape) };
  } catch (error) {
    if (!(error instanceof MalformedRecordError)) throw error;
    // The other one.
    const end = bytes.length - END;
    if (end < 0 || !equalBytes(bytes.subarray(end + 4), END_MAGIC)) throw error;
    const length = readU32(bytes, end);
    const head = parseParityHead(bytes.subarray(Math.max(0, end - length), end));
    if (parityHeadLength(head.shape) !== length) throw error;
    const at = end - length - parityBlocks(head.shape) * head.shape.blockLength;
    if (at < 0) throw error;
    return { head, at };
  }
}

function endOf(headLength: number): Uint8Array {
  const end = new Uint8Array(END);
  writeU32(end, 0, headLength);
  end.set(END_MAGIC, 4);
  return end;
}

function nameHashOf(name: string): Uint8Array {
  return sha256(utf8Encode(name));
}

function beyond(name: string, cause: string): CustodyError {
  return new CustodyError('damaged', `mend ${name} from its parity: ${cause}`);
}
