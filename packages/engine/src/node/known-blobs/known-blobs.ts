/**
 * Which blobs are stored already: asked once per blob by every worker, without a message, in bounded memory.
 *
 * Two layers. What was committed before stands in a file (table-block.ts), of which no more is in memory than a filter
 * (blob-filter.ts): 1.5 to 2.2 bytes a blob, 22 MB for 10 million. What this run adds since its last commit stands in
 * an arena (blob-arena.ts). The file is a cache and does not change while threads ask: it can be rebuilt from index
 * objects.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { ARENA_RECORDS, BlobArena, type SharedArena } from './blob-arena.ts';
import { BlobFilter } from './blob-filter.ts';
import { BLOCK_BYTES, homeBlock, MAX_PROBES, RECORDS_PER_BLOCK, TableBlocks } from './table-block.ts';

/** The blob was not known; the caller must store it. */
export const NEW_BLOB = -1;
/** The blob was stored by this run, in a pack that is not committed yet. */
export const THIS_RUN = -2;

/** What threads share; structured clone passes it by reference. */
export interface SharedKnownBlobs {
  readonly arena: SharedArena;
  readonly table: SharedTable;
}

/** The file and what is in memory of it. */
export interface SharedTable {
  readonly path: string;
  readonly blocks: number;
  readonly filter: SharedArrayBuffer;
  /** First four bytes of the id of each pack. */
  readonly packWords: SharedArrayBuffer;
  /** One bit per pack number: the pack is gone, its blobs must be stored again. */
  readonly deadPacks: SharedArrayBuffer;
  /** Of the numbering of packs; goes into every check. */
  readonly seed: number;
}

export class KnownBlobs {
  readonly arena: BlobArena;
  readonly #table: TableLookup;

  constructor(shared: SharedKnownBlobs) {
    this.arena = new BlobArena(shared.arena);
    this.#table = new TableLookup(shared.table);
  }

  /** Number of the record that the last call claimed (NEW_BLOB) or found in the arena (THIS_RUN). */
  get record(): number {
    return this.arena.record;
  }

  /** How many more blobs can be added before the run must commit. */
  get arenaRoom(): number {
    return ARENA_RECORDS - this.arena.size;
  }

  /**
   * The pack number of a known blob, THIS_RUN, or NEW_BLOB: then the caller has claimed it and must store it. `id` is
   * 32 bytes.
   */
  findOrClaim(id: Uint8Array): number {
    const pack = this.#table.find(id);
    if (pack >= 0) return pack;
    return this.arena.hasOrClaim(id) ? THIS_RUN : NEW_BLOB;
  }

  /** Like findOrClaim, but claims nothing. */
  find(id: Uint8Array): number {
    const pack = this.#table.find(id);
    if (pack >= 0) return pack;
    return this.arena.has(id) ? THIS_RUN : NEW_BLOB;
  }

  /** May be called twice: whoever uses an instance and whoever made it both let go of it. */
  close(): void {
    this.#table.close();
  }
}

/** Looks blobs up in the file, one read of a block each. */
class TableLookup {
  readonly #blocks: number;
  readonly #filter: BlobFilter;
  readonly #dead: Uint8Array;
  readonly #bytes = new Uint8Array(BLOCK_BYTES);
  readonly #block: TableBlocks;
  #file: number | undefined;

  constructor({ path, blocks, filter, packWords, deadPacks, seed }: SharedTable) {
    this.#blocks = blocks;
    this.#filter = new BlobFilter(filter);
    this.#dead = new Uint8Array(deadPacks);
    this.#block = new TableBlocks(this.#bytes, { packWords: new Uint32Array(packWords), seed });
    this.#file = openSync(path, 'r');
  }

  /** The number of the pack that the blob is in; −1 when it is not known, or its pack is gone. */
  find(id: Uint8Array): number {
    if (this.#file === undefined || !this.#filter.mayHave(id)) return -1;
    let number = homeBlock(id, 0, this.#blocks);
    for (let probe = Math.min(MAX_PROBES, this.#blocks); probe > 0; probe--) {
      // Behind the head, which has the length of a block.
      if (readSync(this.#file, this.#bytes, 0, BLOCK_BYTES, (number + 1) * BLOCK_BYTES) !== BLOCK_BYTES) return -1;
      const record = this.#block.find(0, id, 0);
      if (record >= 0) return this.#alive(this.#block.packAt(0, record));
      if (this.#block.count(0) < RECORDS_PER_BLOCK) return -1;
      number = number + 1 === this.#blocks ? 0 : number + 1;
    }
    return -1;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #alive(pack: number): number {
    return ((this.#dead[pack >> 3] ?? 0) >> (pack & 7)) & 1 ? -1 : pack;
  }
}
