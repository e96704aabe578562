/**
 * A block of the table of known blobs: what one read brings in. Blocks are chosen by the first four bytes of the id; a
 * full block goes on in the next.
 *
 * ```
 * block (4096) = count u32 ‖ 12 zero ‖ count × record ‖ zeros
 * record  (40) = blobId 32 ‖ pack number u32 ‖ check u32
 * ```
 * `check` ties the pack number to the blob, to the pack's id and to the numbering, so that a torn, rotten or foreign
 * record is noticed and the blob is stored again.
 */
import { readU32 } from '@keephold/bytes';

export const BLOCK_BYTES = 4096;
export const RECORDS_PER_BLOCK = 102;
/** Blocks looked into for one blob; at the highest load a row of so many full ones does not happen. */
export const MAX_PROBES = 64;
const BLOCK_WORDS: number = BLOCK_BYTES / 4;
const FIRST_RECORD = 4;
const RECORD_WORDS = 10;
const PACK_WORD = 8;
const CHECK_WORD = 9;

/** What a record is checked by. */
export interface Numbering {
  /** First four bytes of each pack's id, by number. */
  readonly packWords: Uint32Array;
  readonly seed: number;
}

/** The block that the id at `at` belongs to, of so many. */
export function homeBlock(ids: Uint8Array, at: number, blocks: number): number {
  return Math.floor((readU32(ids, at) * blocks) / 0x1_0000_0000);
}

/** Not a secret: it finds accidents. */
function checkOf(idWord: number, pack: number, { packWords, seed }: Numbering): number {
  return (Math.imul(idWord ^ pack, 0x9e37_79b1) ^ Math.imul(packWords[pack]!, 0x85eb_ca6b) ^ seed) >>> 0;
}

/** Blocks in memory, as words. `block` counts within them. */
export class TableBlocks {
  readonly #words: Uint32Array;
  readonly #numbering: Numbering;

  constructor(bytes: Uint8Array, numbering: Numbering) {
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    this.#numbering = numbering;
  }

  count(block: number): number {
    return Math.min(this.#words[block * BLOCK_WORDS]!, RECORDS_PER_BLOCK);
  }

  /** The record of an id in this block, or −1. */
  find(block: number, ids: Uint8Array, at: number): number {
    const words = this.#words;
    const first = readU32(ids, at);
    let word = block * BLOCK_WORDS + FIRST_RECORD;
    for (let record = 0, count = this.count(block); record < count; record++, word += RECORD_WORDS) {
      if (words[word] === first && this.#matches(word, ids, at)) return record;
    }
    return -1;
  }

  /** Its pack; −1 when the record is not what was written. */
  packAt(block: number, record: number): number {
    const word = block * BLOCK_WORDS + FIRST_RECORD + record * RECORD_WORDS;
    const pack = this.#words[word + PACK_WORD]!;
    if (pack >= this.#numbering.packWords.length) return -1;
    return this.#words[word + CHECK_WORD] === checkOf(this.#words[word + 2]!, pack, this.#numbering) ? pack : -1;
  }

  /** Writes a record, the next one or over an old one. */
  write(block: number, record: number, { ids, at, pack }: BlobInPack): void {
    const word = block * BLOCK_WORDS + FIRST_RECORD + record * RECORD_WORDS;
    for (let i = 0; i < PACK_WORD; i++) this.#words[word + i] = readU32(ids, at + i * 4);
    this.#words[word + PACK_WORD] = pack;
    this.#words[word + CHECK_WORD] = checkOf(this.#words[word + 2]!, pack, this.#numbering);
    this.#words[block * BLOCK_WORDS] = Math.max(this.count(block), record + 1);
  }

  #matches(word: number, ids: Uint8Array, at: number): boolean {
    for (let i = 1; i < PACK_WORD; i++) if (this.#words[word + i] !== readU32(ids, at + i * 4)) return false;
    return true;
  }
}

/** The id at `at` of `ids`, and the number of its pack. */
export interface BlobInPack {
  readonly ids: Uint8Array;
  readonly at: number;
  readonly pack: number;
}

/** Byte offset of a record's id within its block. */
export function recordOffset(record: number): number {
  return (FIRST_RECORD + record * RECORD_WORDS) * 4;
}
