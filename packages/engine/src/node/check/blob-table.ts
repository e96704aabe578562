/**
 * In which packs blobs are: 12 bytes a slot, 1.25 to 1.6 slots a blob. Keeps the first eight bytes of an id, which is a keyed
 * hash: among ten million blobs two share them with a chance of about one in 370,000, and then the worst is that one damage
 * is not told of.
 *
 * The table is in parts that grow one by one: a table in one piece needs its old and its new memory while it grows, and
 * that was half as much again as the table, just when it was largest.
 */
import { freeBytes, readU32 } from '@keephold/bytes';
import { BLOB_ROW_BYTES, type BlobKind } from '../../pack-contents.ts';

/** A power of two. */
const PARTS = 64;
const SMALLEST = 256;
/** Of the slots that may be taken. */
const MAX_LOAD = 0.8;
const GROWTH = 1.25;
/** First word of the id ‖ second ‖ (pack number × 4 + kind) + 1, 0: free */
const SLOT_WORDS = 3;

/** Of blobs whose ids have the same bits at one place. */
interface Part {
  slots: Uint32Array;
  size: number;
}

export class BlobTable {
  readonly #parts: readonly Part[] = Array.from({ length: PARTS }, () => ({ slots: emptySlots(SMALLEST), size: 0 }));
  size = 0;

  /** Takes in the blob rows of a pack. */
  addPack(pack: number, rows: Uint8Array): void {
    for (let at = 0; at < rows.length; at += BLOB_ROW_BYTES) {
      const high = readU32(rows, at + 4);
      const part = this.#partOf(high);
      if (part.size + 1 > (part.slots.length / SLOT_WORDS) * MAX_LOAD) grow(part);
      insert(part.slots, readU32(rows, at), high, pack * 4 + (rows[at + 44] as number) + 1);
      part.size++;
      this.size++;
    }
  }

  /** Calls `use` with each pack that has the blob, until it answers true; answers whether it did. */
  some(id: Uint8Array, use: (pack: number, kind: BlobKind) => boolean): boolean {
    const low = readU32(id, 0);
    const high = readU32(id, 4);
    const { slots } = this.#partOf(high);
    for (let at = homeSlot(low, slots); slots[at + 2] !== 0; at = nextSlot(at, slots)) {
      if (slots[at] !== low || slots[at + 1] !== high) continue;
      const value = slots[at + 2]! - 1;
      if (use(value >>> 2, (value & 3) as BlobKind)) return true;
    }
    return false;
  }

  /** Not by the word that tells the slot: the blobs of a part would crowd. */
  #partOf(high: number): Part {
    return this.#parts[high & (PARTS - 1)]!;
  }
}

function emptySlots(count: number): Uint32Array {
  return new Uint32Array(count * SLOT_WORDS);
}

function insert(slots: Uint32Array, low: number, high: number, value: number): void {
  let at = homeSlot(low, slots);
  while (slots[at + 2] !== 0) at = nextSlot(at, slots);
  slots[at] = low;
  slots[at + 1] = high;
  slots[at + 2] = value;
}

function grow(part: Part): void {
  const old = part.slots;
  part.slots = emptySlots(Math.ceil((old.length / SLOT_WORDS) * GROWTH));
  for (let at = 0; at < old.length; at += SLOT_WORDS)
    if (old[at + 2] !== 0) insert(part.slots, old[at]!, old[at + 1]!, old[at + 2]!);
  freeBytes(old);
}

/** Ids are hashes: their first words spread evenly over any number of slots. */
function homeSlot(low: number, slots: Uint32Array): number {
  return Math.floor((low / 0x1_0000_0000) * (slots.length / SLOT_WORDS)) * SLOT_WORDS;
}

function nextSlot(at: number, slots: Uint32Array): number {
  return at + SLOT_WORDS === slots.length ? 0 : at + SLOT_WORDS;
}
