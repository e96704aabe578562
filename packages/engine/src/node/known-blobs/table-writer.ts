/** Changes the file of the table of known blobs, a window of blocks at a time; and reads it from end to end. */
import { freeBytes } from '@keephold/bytes';
import { readFully, writeFully } from './known-table-file.ts';
import {
  BLOCK_BYTES,
  type BlobInPack,
  homeBlock,
  MAX_PROBES,
  type Numbering,
  RECORDS_PER_BLOCK,
  recordOffset,
  TableBlocks,
} from './table-block.ts';

/** Blocks in memory while the file is gone through in order. */
const WINDOW_BLOCKS = 256;
/** With fewer blobs than blocks by this factor, the blocks in between are left alone. */
const SPARSE = 2;

export interface TableLayout {
  readonly blocks: number;
  readonly numbering: Numbering;
}

export class TableWriter {
  readonly #file: number;
  readonly #blocks: number;
  readonly #bytes: Uint8Array;
  readonly #window: TableBlocks;
  #start = -1;
  #isDirty = false;

  /** For `blobs` blobs to come, best in the order of their ids. */
  constructor(file: number, { blocks, numbering }: TableLayout, blobs: number) {
    this.#file = file;
    this.#blocks = blocks;
    this.#bytes = new Uint8Array((blobs * SPARSE < blocks ? 1 : WINDOW_BLOCKS) * BLOCK_BYTES);
    this.#window = new TableBlocks(this.#bytes, numbering);
  }

  /** Enters a blob, or gives it another pack. Answers how many records there are more. */
  enter(blob: BlobInPack): 0 | 1 {
    let number = homeBlock(blob.ids, blob.at, this.#blocks);
    for (let probe = Math.min(MAX_PROBES, this.#blocks); probe > 0; probe--) {
      const block = this.#load(number);
      const found = this.#window.find(block, blob.ids, blob.at);
      const count = this.#window.count(block);
      if (found >= 0 || count < RECORDS_PER_BLOCK) {
        this.#window.write(block, found >= 0 ? found : count, blob);
        this.#isDirty = true;
        return found >= 0 ? 0 : 1;
      }
      number = number + 1 === this.#blocks ? 0 : number + 1;
    }
    // Not known then: should it come up again, it is stored again.
    return 0;
  }

  /** Writes what is left. The last call. */
  finish(): void {
    this.#flush();
    freeBytes(this.#bytes);
  }

  #flush(): void {
    if (this.#isDirty) writeFully(this.#file, this.#loaded, (this.#start + 1) * BLOCK_BYTES);
    this.#isDirty = false;
  }

  get #loaded(): Uint8Array {
    return this.#bytes.subarray(0, Math.min(this.#bytes.length, (this.#blocks - this.#start) * BLOCK_BYTES));
  }

  /** Where in the window the block stands. */
  #load(number: number): number {
    const inWindow = number % (this.#bytes.length / BLOCK_BYTES);
    const start = number - inWindow;
    if (start !== this.#start) {
      this.#flush();
      this.#start = start;
      if (!readFully(this.#file, this.#loaded, (start + 1) * BLOCK_BYTES)) throw cutShort();
    }
    return inWindow;
  }
}

/** All records that are what was written, block by block. `ids` is valid until the next. */
export function forEachBlob(file: number, table: TableLayout, visit: (blob: BlobInPack) => void): void {
  const ids = new Uint8Array(WINDOW_BLOCKS * BLOCK_BYTES);
  const window = new TableBlocks(ids, table.numbering);
  for (let first = 0; first < table.blocks; first += WINDOW_BLOCKS) {
    const count = Math.min(WINDOW_BLOCKS, table.blocks - first);
    if (!readFully(file, ids.subarray(0, count * BLOCK_BYTES), (first + 1) * BLOCK_BYTES)) throw cutShort();
    for (let block = 0; block < count; block++) {
      for (let record = 0; record < window.count(block); record++) {
        const pack = window.packAt(block, record);
        if (pack >= 0) visit({ ids, at: block * BLOCK_BYTES + recordOffset(record), pack });
      }
    }
  }
  freeBytes(ids);
}

function cutShort(): RangeError {
  return new RangeError('known blobs: the file is shorter than it was');
}
