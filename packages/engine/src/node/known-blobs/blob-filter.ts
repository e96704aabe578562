/**
 * Says of most blobs that were never committed that they were not, without a look into the file of known blobs: a
 * Bloom filter in lines of 64 bytes, so that an answer costs one line of the processor's cache. At the table's highest
 * load there are 12 bits for a blob, and 1 of 150 unknown blobs is looked for in vain.
 *
 * Lines stand in the order of the table's blocks, two lines a block.
 */
import { readU32 } from '@keephold/bytes';

export const FILTER_BYTES_PER_BLOCK = 128;
const LINE_WORDS = 16;
/** Unit in which changes are noted. */
export const FILTER_PAGE_BYTES = 4096;

export class BlobFilter {
  readonly #words: Int32Array;
  readonly #lines: number;

  constructor(bytes: SharedArrayBuffer) {
    this.#words = new Int32Array(bytes);
    this.#lines = this.#words.length / LINE_WORDS;
  }

  /** False: certainly not added. */
  mayHave(id: Uint8Array): boolean {
    const line = this.#lineOf(id, 0);
    const [low, high] = [readU32(id, 8), readU32(id, 12)];
    for (let shift = 0; shift < 27; shift += 9) {
      if (!this.#isSet(line, (low >>> shift) & 511) || !this.#isSet(line, (high >>> shift) & 511)) return false;
    }
    return true;
  }

  /** Adds the id at `at`; answers the page that it stands in. */
  add(ids: Uint8Array, at: number): number {
    const line = this.#lineOf(ids, at);
    const [low, high] = [readU32(ids, at + 8), readU32(ids, at + 12)];
    for (let shift = 0; shift < 27; shift += 9) {
      this.#set(line, (low >>> shift) & 511);
      this.#set(line, (high >>> shift) & 511);
    }
    return Math.floor((line * 4) / FILTER_PAGE_BYTES);
  }

  /** First word of the line. */
  #lineOf(ids: Uint8Array, at: number): number {
    return Math.floor((readU32(ids, at) * this.#lines) / 0x1_0000_0000) * LINE_WORDS;
  }

  #isSet(line: number, bit: number): boolean {
    return ((this.#words[line + (bit >> 5)]! >>> (bit & 31)) & 1) === 1;
  }

  #set(line: number, bit: number): void {
    this.#words[line + (bit >> 5)]! |= 1 << (bit & 31);
  }
}

/** A filter of nothing for a table of so many blocks. */
export function createFilter(blocks: number): SharedArrayBuffer {
  return new SharedArrayBuffer(blocks * FILTER_BYTES_PER_BLOCK);
}
