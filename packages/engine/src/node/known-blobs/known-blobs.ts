/**
 * Which blobs are stored already: asked once per blob by every worker, without a message, in bounded memory.
 *
 * Two layers. What was committed before stands in a file of 40-byte records (a cache: it can be rebuilt from index
 * objects). What this run adds since its last commit stands in an arena in shared memory. A record has one number in
 * both: the arena goes on where the file ends. One open-addressing table over both holds, per slot, one byte of the id
 * and the record's number: 5 bytes a slot, 64 MB for 10 million blobs.
 *
 * ```
 * record (40) = blobId 32 ‖ pack number u32 ‖ check u32
 * ```
 * `check` ties the pack number to the id and to this numbering of packs, so that a torn, rotten or foreign cache is
 * noticed and the blob is stored again.
 *
 * All threads may look up and claim at once. Growing, and moving the arena into the file, need all workers at rest.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { EngineError } from '../../errors.ts';

export const RECORD_BYTES = 40;
const ID_BYTES = 32;
/** Records an arena holds: after that many new blobs the run must commit a checkpoint. */
export const ARENA_RECORDS: number = 1 << 18;
const MAX_LOAD = 0.8;
const SMALLEST_CAPACITY: number = 1 << 16;
const CLAIMED = 0xffff_ffff;

/** The blob was not known; the caller must store it. */
export const NEW_BLOB = -1;
/** The blob was stored by this run, in a pack that is not committed yet. */
export const THIS_RUN = -2;

/** What threads share; structured clone passes it by reference. */
export interface SharedKnownBlobs {
  readonly capacity: number;
  /** One byte of the id per slot. */
  readonly tags: SharedArrayBuffer;
  /** Record number + 1 per slot; 0 free; CLAIMED while being written. */
  readonly slots: SharedArrayBuffer;
  readonly arena: SharedArrayBuffer;
  /** [0] records in the file, [1] records in the arena. */
  readonly counts: SharedArrayBuffer;
  /** One bit per pack number: the pack is gone, its blobs must be stored again. */
  readonly deadPacks: SharedArrayBuffer;
  readonly recordsFile: string;
  /** Of the numbering of packs; goes into every check. */
  readonly seed: number;
}

export function capacityFor(records: number): number {
  return Math.max(SMALLEST_CAPACITY, Math.ceil((records + ARENA_RECORDS) / MAX_LOAD));
}

export function createSharedKnownBlobs(options: {
  readonly capacity: number;
  readonly fileRecords: number;
  readonly packs: number;
  readonly recordsFile: string;
  readonly seed: number;
}): SharedKnownBlobs {
  const counts = new SharedArrayBuffer(8);
  new Uint32Array(counts)[0] = options.fileRecords;
  return {
    capacity: options.capacity,
    tags: new SharedArrayBuffer(options.capacity),
    slots: new SharedArrayBuffer(options.capacity * 4),
    arena: new SharedArrayBuffer(ARENA_RECORDS * RECORD_BYTES),
    counts,
    deadPacks: new SharedArrayBuffer((options.packs >> 3) + 1),
    recordsFile: options.recordsFile,
    seed: options.seed,
  };
}

/** Mixes id and pack number, so that neither can change alone. Not a secret: it finds accidents. */
export function recordCheck(record: Uint8Array, at: number, pack: number, seed: number): number {
  const low = (record[at + 8]! | (record[at + 9]! << 8) | (record[at + 10]! << 16) | (record[at + 11]! << 24)) >>> 0;
  return (Math.imul(low ^ pack, 0x9e37_79b1) ^ seed) >>> 0;
}

export class KnownBlobs {
  readonly #capacity: number;
  readonly #tags: Uint8Array;
  readonly #slots: Uint32Array;
  readonly #arena: Uint8Array;
  readonly #arenaPacks: Uint32Array;
  readonly #counts: Uint32Array;
  readonly #dead: Uint8Array;
  readonly #seed: number;
  #file: number | undefined;
  readonly #record = new Uint8Array(RECORD_BYTES);
  readonly #recordView = new DataView(this.#record.buffer);
  /** Number of the record that the last call claimed (NEW_BLOB) or found in the arena (THIS_RUN). */
  record = 0;

  constructor(shared: SharedKnownBlobs) {
    this.#capacity = shared.capacity;
    this.#tags = new Uint8Array(shared.tags);
    this.#slots = new Uint32Array(shared.slots);
    this.#arena = new Uint8Array(shared.arena);
    this.#arenaPacks = new Uint32Array(shared.arena);
    this.#counts = new Uint32Array(shared.counts);
    this.#dead = new Uint8Array(shared.deadPacks);
    this.#seed = shared.seed;
    this.#file = this.#fileRecords === 0 ? undefined : openSync(shared.recordsFile, 'r');
  }

  get #fileRecords(): number {
    return this.#counts[0]!;
  }

  /** How many more blobs can be added before the run must commit. */
  get arenaRoom(): number {
    return ARENA_RECORDS - Atomics.load(this.#counts, 1);
  }

  /**
   * The pack number of a known blob, THIS_RUN, or NEW_BLOB: then the caller has claimed it and must store it. `id` is
   * 32 bytes.
   */
  findOrClaim(id: Uint8Array): number {
    return this.#probe(id, 'claim');
  }

  /** Like findOrClaim, but claims nothing. */
  find(id: Uint8Array): number {
    return this.#probe(id, 'look');
  }

  /** Enters an existing record (from the file) into the table. Single-threaded: while building. */
  enter(id: Uint8Array, at: number, recordNumber: number): void {
    let slot = this.#firstSlot(id, at);
    while (this.#slots[slot] !== 0) slot = slot + 1 === this.#capacity ? 0 : slot + 1;
    this.#tags[slot] = id[at + 4]!;
    this.#slots[slot] = recordNumber + 1;
  }

  /** Tells in which pack a record of the arena ended up. */
  setPack(recordNumber: number, pack: number): void {
    const at = (recordNumber - this.#fileRecords) * (RECORD_BYTES / 4);
    this.#arenaPacks[at + 8] = pack;
    this.#arenaPacks[at + 9] = recordCheck(this.#arena, at * 4, pack, this.#seed);
  }

  /** The pack of a record that this run made, as setPack told; also after a commit has moved it into the file. */
  packOf(recordNumber: number): number {
    if (recordNumber < this.#fileRecords) {
      const pack = this.#readRecord(recordNumber);
      if (pack === undefined) throw new EngineError('damaged', 'known blobs: the cache changed while it was in use');
      return pack;
    }
    return this.#arenaPacks[(recordNumber - this.#fileRecords) * (RECORD_BYTES / 4) + 8]!;
  }

  /** May be called twice: whoever uses an instance and whoever made it both let go of it. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #firstSlot(id: Uint8Array, at: number): number {
    const hash = (id[at]! | (id[at + 1]! << 8) | (id[at + 2]! << 16) | (id[at + 3]! << 24)) >>> 0;
    return Math.floor((hash * this.#capacity) / 0x1_0000_0000);
  }

  #probe(id: Uint8Array, mode: 'claim' | 'look'): number {
    const tag = id[4]!;
    let slot = this.#firstSlot(id, 0);
    for (;;) {
      let value = Atomics.load(this.#slots, slot);
      if (value === 0) {
        if (mode === 'look') return NEW_BLOB;
        value = Atomics.compareExchange(this.#slots, slot, 0, CLAIMED);
        if (value === 0) return this.#claim(slot, tag, id);
      }
      // Another thread is writing this record: a matter of nanoseconds.
      while (value === CLAIMED) value = Atomics.load(this.#slots, slot);
      if (this.#tags[slot] === tag) {
        const found = this.#match(value - 1, id);
        if (found !== NEW_BLOB) return found;
      }
      slot = slot + 1 === this.#capacity ? 0 : slot + 1;
    }
  }

  #claim(slot: number, tag: number, id: Uint8Array): number {
    const inArena = Atomics.add(this.#counts, 1, 1);
    if (inArena >= ARENA_RECORDS) {
      Atomics.sub(this.#counts, 1, 1);
      Atomics.store(this.#slots, slot, 0);
      throw new RangeError('known blobs: the arena is full, a checkpoint is overdue');
    }
    this.#arena.set(id.subarray(0, ID_BYTES), inArena * RECORD_BYTES);
    this.#tags[slot] = tag;
    this.record = this.#fileRecords + inArena;
    Atomics.store(this.#slots, slot, this.record + 1);
    return NEW_BLOB;
  }

  /** NEW_BLOB when the record is of another blob, or of a pack that is gone. */
  #match(recordNumber: number, id: Uint8Array): number {
    const fileRecords = this.#fileRecords;
    if (recordNumber >= fileRecords) {
      if (!sameId(this.#arena, (recordNumber - fileRecords) * RECORD_BYTES, id)) return NEW_BLOB;
      this.record = recordNumber;
      return THIS_RUN;
    }
    const pack = this.#readRecord(recordNumber);
    if (pack === undefined || !sameId(this.#record, 0, id)) return NEW_BLOB;
    return (this.#dead[pack >> 3]! >> (pack & 7)) & 1 ? NEW_BLOB : pack;
  }

  /** Reads a record of the file; answers its pack, undefined when it is not what was written. */
  #readRecord(recordNumber: number): number | undefined {
    if (this.#file === undefined) return undefined;
    const read = readSync(this.#file, this.#record, 0, RECORD_BYTES, recordNumber * RECORD_BYTES);
    if (read !== RECORD_BYTES) return undefined;
    const pack = this.#recordView.getUint32(32, true);
    return this.#recordView.getUint32(36, true) === recordCheck(this.#record, 0, pack, this.#seed) ? pack : undefined;
  }
}

function sameId(bytes: Uint8Array, at: number, id: Uint8Array): boolean {
  for (let i = 0; i < ID_BYTES; i++) if (bytes[at + i] !== id[i]) return false;
  return true;
}
