/**
 * In which packs blobs are: 12 bytes a slot, 1.25 to 1.9 slots a blob. Keeps the first eight bytes of an id, which is a keyed
 * hash: among ten million blobs two share them with a chance of about one in 370,000, and then the worst is that one damage
 * is not told of.
 */
import { freeBytes, readU32 } from '@keephold/bytes';
import { BLOB_ROW_BYTES, type BlobKind } from '../../pack-contents.ts';

const SMALLEST = 1024;
/** Of the slots that may be taken. */
const MAX_LOAD = 0.8;
const GROWTH = 1.5;

export class BlobTable {
  #low = new Uint32Array(SMALLEST);
  #high = new Uint32Array(SMALLEST);
  /** (pack number × 4 + kind) + 1; 0: free. */
  #values = new Uint32Array(SMALLEST);
  size = 0;

  /** Takes in the blob rows of a pack. */
  addPack(pack: number, rows: Uint8Array): void {
    for (let at = 0; at < rows.length; at += BLOB_ROW_BYTES) {
      if (this.size + 1 > this.#values.length * MAX_LOAD) this.#grow();
      this.#insert(readU32(rows, at), readU32(rows, at + 4), pack * 4 + (rows[at + 44] as number) + 1);
      this.size++;
    }
  }

  /** Calls `use` with each pack that has the blob, until it answers true; answers whether it did. */
  some(id: Uint8Array, use: (pack: number, kind: BlobKind) => boolean): boolean {
    const low = readU32(id, 0);
    const high = readU32(id, 4);
    const slots = this.#values.length;
    for (let slot = homeSlot(low, slots); this.#values[slot] !== 0; slot = slot + 1 === slots ? 0 : slot + 1) {
      if (this.#low[slot] !== low || this.#high[slot] !== high) continue;
      const value = this.#values[slot]! - 1;
      if (use(value >>> 2, (value & 3) as BlobKind)) return true;
    }
    return false;
  }

  #insert(low: number, high: number, value: number): void {
    const slots = this.#values.length;
    let slot = homeSlot(low, slots);
    while (this.#values[slot] !== 0) slot = slot + 1 === slots ? 0 : slot + 1;
    this.#low[slot] = low;
    this.#high[slot] = high;
    this.#values[slot] = value;
  }

  #grow(): void {
    const [low, high, values] = [this.#low, this.#high, this.#values];
    const slots = Math.ceil(low.length * GROWTH);
    this.#low = new Uint32Array(slots);
    this.#high = new Uint32Array(slots);
    this.#values = new Uint32Array(slots);
    for (let slot = 0; slot < values.length; slot++)
      if (values[slot] !== 0) this.#insert(low[slot]!, high[slot]!, values[slot]!);
    for (const array of [low, high, values]) freeBytes(array);
  }
}

/** Ids are hashes: their first words spread evenly over any number of slots. */
function homeSlot(low: number, slots: number): number {
  return Math.floor((low / 0x1_0000_0000) * slots);
}
