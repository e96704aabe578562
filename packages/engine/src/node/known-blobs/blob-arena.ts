/**
 * Blobs that this run stores and has not committed yet: in shared memory, claimed by every thread without a message.
 *
 * Ids stand one after the other in the order they were claimed; a record number is that position, counted on over the
 * commits of a run. An open-addressing table finds them again. A slot is 0 when free, WRITING while its id is being
 * written, else 13 bits of the id ‖ position + 1 in 19 bits.
 */
import { readU32 } from '@keephold/bytes';

/** Blobs an arena holds: after that many new ones the run must commit a checkpoint. */
export const ARENA_RECORDS: number = 1 << 18;
const ID_BYTES = 32;
/** At most half of the slots are taken. */
const SLOTS: number = ARENA_RECORDS * 2;
const POSITION_BITS = 19;
const POSITION_MASK: number = (1 << POSITION_BITS) - 1;
const WRITING = 0xffff_ffff;

/** What threads share; structured clone passes it by reference. */
export interface SharedArena {
  /** 32 bytes each. */
  readonly ids: SharedArrayBuffer;
  readonly slots: SharedArrayBuffer;
  /** [0] record number of the first id, [1] ids held. */
  readonly counts: SharedArrayBuffer;
}

export function createSharedArena(): SharedArena {
  return {
    ids: new SharedArrayBuffer(ARENA_RECORDS * ID_BYTES),
    slots: new SharedArrayBuffer(SLOTS * 4),
    counts: new SharedArrayBuffer(8),
  };
}

export class BlobArena {
  /** All ids; those of the first `size` positions count. */
  readonly ids: Uint8Array;
  readonly #slots: Uint32Array;
  readonly #counts: Uint32Array;
  /** Record number that the last call claimed or found. */
  record = 0;

  constructor(shared: SharedArena) {
    this.ids = new Uint8Array(shared.ids);
    this.#slots = new Uint32Array(shared.slots);
    this.#counts = new Uint32Array(shared.counts);
  }

  get size(): number {
    return Atomics.load(this.#counts, 1);
  }

  /** Record number of the first id: so many were there before it in this run. */
  get firstRecord(): number {
    return this.#counts[0]!;
  }

  has(id: Uint8Array): boolean {
    return this.#probe(id, 'look');
  }

  /** True when the id is there; else it is claimed, and the caller must store the blob. */
  hasOrClaim(id: Uint8Array): boolean {
    return this.#probe(id, 'claim');
  }

  /** Empties it; record numbers go on. All other threads at rest. */
  clear(): void {
    this.#counts[0]! += this.size;
    this.#counts[1] = 0;
    this.#slots.fill(0);
  }

  #probe(id: Uint8Array, mode: 'claim' | 'look'): boolean {
    const tag = (readU32(id, 4) << POSITION_BITS) >>> 0;
    let slot = readU32(id, 0) % SLOTS;
    for (;;) {
      let value = Atomics.load(this.#slots, slot);
      if (value === 0) {
        if (mode === 'look') return false;
        value = Atomics.compareExchange(this.#slots, slot, 0, WRITING);
        if (value === 0) {
          this.#claim(slot, tag, id);
          return false;
        }
      }
      // Another thread is writing this id: a matter of nanoseconds.
      while (value === WRITING) value = Atomics.load(this.#slots, slot);
      if ((value ^ tag) >>> POSITION_BITS === 0 && this.#matches((value & POSITION_MASK) - 1, id)) return true;
      slot = slot + 1 === SLOTS ? 0 : slot + 1;
    }
  }

  #claim(slot: number, tag: number, id: Uint8Array): void {
    const position = Atomics.add(this.#counts, 1, 1);
    if (position >= ARENA_RECORDS) {
      Atomics.sub(this.#counts, 1, 1);
      Atomics.store(this.#slots, slot, 0);
      throw new RangeError('known blobs: the arena is full, a checkpoint is overdue');
    }
    this.ids.set(id.subarray(0, ID_BYTES), position * ID_BYTES);
    this.record = this.firstRecord + position;
    Atomics.store(this.#slots, slot, (tag | (position + 1)) >>> 0);
  }

  #matches(position: number, id: Uint8Array): boolean {
    const at = position * ID_BYTES;
    for (let i = 0; i < ID_BYTES; i++) if (this.ids[at + i] !== id[i]) return false;
    this.record = this.firstRecord + position;
    return true;
  }
}
