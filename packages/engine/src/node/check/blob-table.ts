/**
 * In which packs blobs are: 12 bytes a slot, two slots a blob. Keeps the first eight bytes of an id, which is a keyed
 * hash: among ten million blobs two share them with a chance of about one in 370,000, and then the worst is that one damage
 * is not told of.
 */
import { readU32 } from '@keephold/bytes';
import { BLOB_ROW_BYTES, type BlobKind } from '../../pack-contents.ts';

const SMALLEST = 1024;

export class BlobTable {
  #low = new Uint32Array(SMALLEST);
  #high = new Uint32Array(SMALLEST);
  /** (pack number × 4 + kind) + 1; 0: free. */
  #values = new Uint32Array(SMALLEST);
  size = 0;

  /** Takes in the blob rows of a pack. */
  addPack(pack: number, rows: Uint8Array): void {
    for (let at = 0; at < rows.length; at += BLOB_ROW_BYTES) {
      if ((this.size + 1) * 2 > this.#values.length) this.#grow();
      this.#insert(readU32(rows, at), readU32(rows, at + 4), pack * 4 + (rows[at + 44] as number) + 1);
      this.size++;
    }
  }

  /** Calls `use` with each pack that has the blob, until it answers true; answers whether it did. */
  some(id: Uint8Array, use: (pack: number, kind: BlobKind) => boolean): boolean {
    const low = readU32(id, 0);
    const high = readU32(id, 4);
    const mask = this.#values.length - 1;
    for (let slot = low & mask; this.#values[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#low[slot] !== low || this.#high[slot] !== high) continue;
      const value = this.#values[slot]! - 1;
      if (use(value >>> 2, (value & 3) as BlobKind)) return true;
    }
    return false;
  }

  #insert(low: number, high: number, value: number): void {
    const mask = this.#values.length - 1;
    let slot = low & mask;
    while (this.#values[slot] !== 0) slot = (slot + 1) & mask;
    this.#low[slot] = low;
    this.#high[slot] = high;
    this.#values[slot] = value;
  }

  #grow(): void {
    const [low, high, values] = [this.#low, this.#high, this.#values];
    this.#low = new Uint32Array(low.length * 2);
    this.#high = new Uint32Array(low.length * 2);
    this.#values = new Uint32Array(low.length * 2);
    for (let slot = 0; slot < values.length; slot++)
      if (values[slot] !== 0) this.#insert(low[slot]!, high[slot]!, values[slot]!);
  }
}
