/**
 * SHA-256 of two messages side by side. One message keeps the processor's SHA unit waiting for its own last result; a
 * second one fills the gaps, and both together take a quarter less time than one after the other. OpenSSL has the
 * routine for TLS records (sha256-mb-x86_64.pl, after Gueron and Krasnov, "Simultaneous hashing of multiple messages",
 * 2012). It is not part of OpenSSL's public interface, so it is tried out against SHA256 before it is used.
 */
import type { NativeFunction, NativeLibrary } from '@keephold/ffi';

/** Bytes of a block. */
export const BLOCK_BYTES = 64;

/** A running SHA-256 as OpenSSL keeps it: SHA256_CTX of sha.h, 8 words of state and the length in bits come first. */
export type Sha256Context = Uint32Array;

export interface Sha256Lanes {
  /** Feeds `blocks` whole blocks to each context, which stand at the start of a block. */
  update(left: LaneInput, right: LaneInput, blocks: number): void;
}

export interface LaneInput {
  readonly context: Sha256Context;
  /** Where the blocks are: an address, valid as long as the caller keeps the memory. */
  address: number;
}

const STATE_WORDS = 8;
const LENGTH_LOW = 8;
const LENGTH_HIGH = 9;
/** SHA256_MB_CTX has room for 8 messages: word i of message j stands at 8i + j. HASH_DESC: pointer ‖ int ‖ padding. */
const LANES = 8;
const DESCRIPTION_WORDS = 4;
const BITS_PER_BLOCK = BLOCK_BYTES * 8;
const TWO_32 = 0x1_0000_0000;

/** Undefined when this Node has no such routine, or it does not do what it must. */
export function createSha256Lanes(library: NativeLibrary): Sha256Lanes | undefined {
  const multiBlock = library.func('void sha256_multi_block(void*, const void*, int)');

  if (multiBlock === undefined) return undefined;
  const lanes = lanesOf(multiBlock);
  return isRight(lanes, library) ? lanes : undefined;
}

function lanesOf(multiBlock: NativeFunction): Sha256Lanes {
  const states = new Uint32Array(STATE_WORDS * LANES);
  // The messages beyond the second have no blocks; routines that take four or eight at once skip them.
  const descriptions = new Uint32Array(LANES * DESCRIPTION_WORDS);
  const put = (lane: number, { context, address }: LaneInput, blocks: number): void => {
    for (let i = 0; i < STATE_WORDS; i++) states[i * LANES + lane] = context[i]!;
    const at = lane * DESCRIPTION_WORDS;
    descriptions[at] = address >>> 0;
    descriptions[at + 1] = Math.floor(address / TWO_32);
    descriptions[at + 2] = blocks;
  };
  const take = (lane: number, { context }: LaneInput, blocks: number): void => {
    for (let i = 0; i < STATE_WORDS; i++) context[i] = states[i * LANES + lane]!;
    const bits = context[LENGTH_LOW]! + blocks * BITS_PER_BLOCK;
    context[LENGTH_LOW] = bits;
    context[LENGTH_HIGH]! += Math.floor(bits / TWO_32);
  };
  return {
    update(left, right, blocks) {
      put(0, left, blocks);
      put(1, right, blocks);
      multiBlock(states, descriptions, 1);
      take(0, left, blocks);
      take(1, right, blocks);
    },
  };
}

/** Two messages of 17 blocks, in memory that does not move, against OpenSSL's public routine. */
function isRight(lanes: Sha256Lanes, library: NativeLibrary): boolean {
  const init = library.func('int SHA256_Init(void*)');
  const final = library.func('int SHA256_Final(void*, void*)');
  const digest = library.func('void* SHA256(const void*, size_t, void*)');
  if (init === undefined || final === undefined || digest === undefined) return false;
  const blocks = 17;
  const length = blocks * BLOCK_BYTES;
  const memory = new Uint8Array(2 * length).map((_, i) => (i * 167) ^ (i >> 8));
  const address = library.addressOf(memory);
  const inputs = [0, 1].map((lane) => {
    const context = new Uint32Array(32);
    init(context);
    return { context, address: address + lane * length };
  });
  lanes.update(inputs[0]!, inputs[1]!, blocks);
  const expected = new Uint8Array(32);
  const found = new Uint8Array(32);
  return inputs.every(({ context }, lane) => {
    digest(memory.subarray(lane * length), length, expected);
    final(found, context);
    return found.every((byte, i) => byte === expected[i]);
  });
}
