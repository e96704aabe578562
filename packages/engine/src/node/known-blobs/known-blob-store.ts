/**
 * The files behind KnownBlobs, in the vault's cache folder. All of it is a cache (security.md §3.4): when anything is
 * missing or does not fit, it is thrown away and read again from index objects.
 *
 * ```
 * known-table    head (known-table-file.ts) ‖ blocks of records (table-block.ts)
 * known-filter   which blobs may be in it (filter-file.ts)
 * known-packs    packId 32 each; its position is the pack number (pack-numbers.ts)
 * known-run      of this run alone (earlier-records.ts)
 * ```
 * The head of known-table says which commits are covered, and vouches for known-packs. One process at a time uses the
 * folder (cache-lock.ts).
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { freeBytes, readU32 } from '@keephold/bytes';
import { ARENA_RECORDS, createSharedArena } from './blob-arena.ts';
import { CommittedTable, type KnownPacks } from './committed-table.ts';
import { EarlierRecords } from './earlier-records.ts';
import { KnownBlobs, NEW_BLOB, type SharedKnownBlobs } from './known-blobs.ts';
import { NUMBERING_BYTES, readHeadIn } from './known-table-file.ts';
import { PackNumbers } from './pack-numbers.ts';

/** While commits are read in, the arena is emptied when less room is left: a pack has at most 65,536 blobs. */
const SYNC_RESERVE: number = 1 << 10;
const NO_PACK = 0xffff_ffff;
const NO_BITS = new SharedArrayBuffer(0);

/** The commit up to which the cache knows all blobs. */
export interface CoveredHead {
  readonly seq: number;
  readonly hash: Uint8Array;
}

interface StoreParts {
  readonly folder: string;
  readonly table: CommittedTable;
  readonly packs: PackNumbers;
  readonly covered: CoveredHead;
  readonly numbering: Uint8Array;
}

export class KnownBlobStore {
  /** Tells this numbering of packs from any other: numbers kept elsewhere mean something only with it. */
  readonly numbering: Uint8Array;
  readonly #packs: PackNumbers;
  readonly #table: CommittedTable;
  readonly #earlier: EarlierRecords;
  /** Of the records in the arena. */
  readonly #arenaPacks = new Uint32Array(ARENA_RECORDS).fill(NO_PACK);
  #shared: SharedKnownBlobs;
  #known: KnownBlobs;
  #covered: CoveredHead;

  private constructor({ folder, table, packs, covered, numbering }: StoreParts) {
    this.numbering = numbering;
    this.#packs = packs;
    this.#table = table;
    this.#covered = covered;
    this.#earlier = new EarlierRecords(join(folder, 'known-run'));
    const arena = createSharedArena();
    this.#shared = { arena, table: table.shared({ packWords: packs.words(), deadPacks: NO_BITS }) };
    this.#known = new KnownBlobs(this.#shared);
  }

  /** Opens the cache in `folder` (which exists), or starts an empty one. */
  static open(folder: string, start: CoveredHead): KnownBlobStore {
    const parts = readStore(folder);
    return parts === undefined ? KnownBlobStore.empty(folder, start) : new KnownBlobStore(parts);
  }

  static empty(folder: string, start: CoveredHead): KnownBlobStore {
    const numbering = randomBytes(NUMBERING_BYTES);
    const table = CommittedTable.empty(folder, numbering);
    const packs = PackNumbers.empty(packsPath(folder));
    const store = new KnownBlobStore({ folder, table, packs, covered: start, numbering });
    store.#writeHead();
    return store;
  }

  get shared(): SharedKnownBlobs {
    return this.#shared;
  }

  /** For the calling thread. */
  get known(): KnownBlobs {
    return this.#known;
  }

  get covered(): CoveredHead {
    return this.#covered;
  }

  /** Blobs committed and known, without the arena. */
  get records(): number {
    return this.#table.records;
  }

  /** Bytes of memory that lookups take, as long as the table does not grow. */
  get memoryBytes(): number {
    const { arena, table } = this.#shared;
    return arena.ids.byteLength + arena.slots.byteLength + table.filter.byteLength + table.packWords.byteLength;
  }

  /** Of the table, before it is written anew. */
  get blocks(): number {
    return this.#table.blocks;
  }

  get packCount(): number {
    return this.#packs.size;
  }

  packId(number: number): Uint8Array {
    return this.#packs.idOf(number);
  }

  /** The number of a pack; a new one when it has none yet. */
  packNumber(id: Uint8Array): number {
    return this.#packs.numberOf(id);
  }

  /** Tells in which pack a record of the arena ended up. */
  setPack(record: number, pack: number): void {
    this.#arenaPacks[record - this.#known.arena.firstRecord] = pack;
  }

  /** The pack of a record that this run made, as setPack told; also after a commit has moved it into the table. */
  packOf(record: number): number {
    const pack = this.sealedPackOf(record);
    if (pack === undefined) throw new RangeError(`known blobs: record ${record} is in no pack`);
    return pack;
  }

  /** The same; undefined as long as the pack is not sealed. */
  sealedPackOf(record: number): number | undefined {
    const inArena = record - this.#known.arena.firstRecord;
    const pack = inArena >= 0 ? this.#arenaPacks[inArena] : this.#earlier.packOf(record);
    return pack === NO_PACK ? undefined : pack;
  }

  /** Marks packs whose blobs must not be referred to. Workers at rest; hand them `shared` again afterwards. */
  setDeadPacks(isDead: (packId: Uint8Array) => boolean): number {
    let dead = 0;
    const deadPacks = new SharedArrayBuffer((this.#packs.size >> 3) + 1);
    const view = new Uint8Array(deadPacks);
    for (let number = 0; number < this.#packs.size; number++) {
      if (!isDead(this.#packs.idOf(number))) continue;
      view[number >> 3]! |= 1 << (number & 7);
      dead++;
    }
    this.#look({ packWords: this.#shared.table.packWords, deadPacks });
    return dead;
  }

  /** Adds blobs of a committed pack, from its 48-byte rows, unless they are known. */
  addCommitted(packId: Uint8Array, blobRows: Uint8Array): void {
    const pack = this.packNumber(packId);
    for (let at = 0; at < blobRows.length; at += 48) {
      if (this.#known.findOrClaim(blobRows.subarray(at, at + 32)) === NEW_BLOB) this.setPack(this.#known.record, pack);
      if (this.#known.arenaRoom < SYNC_RESERVE) this.#emptyArena();
    }
  }

  /**
   * Enters blobs that are stored in a pack already, from its 48-byte rows, as if this run had stored them; answers how
   * many of them were not known.
   */
  adopt(pack: number, blobRows: Uint8Array): number {
    let added = 0;
    for (let at = 0; at < blobRows.length; at += 48) {
      if (this.#known.findOrClaim(blobRows.subarray(at, at + 32)) !== NEW_BLOB) continue;
      this.setPack(this.#known.record, pack);
      added++;
    }
    return added;
  }

  /** The blobs of these records, in the arena still, will be in no pack: they are not known after the next commit. */
  unsetPacks(from: number, end: number): void {
    const { firstRecord } = this.#known.arena;
    this.#arenaPacks.fill(NO_PACK, from - firstRecord, end - firstRecord);
  }

  /** After a commit beside which threads go on asking: numbers given out so far are durable and may be kept elsewhere. */
  keepNumbers(): void {
    this.#packs.save();
  }

  /**
   * After a commit: enters the blobs of the arena into the table, so that the next run starts from here. Every one has
   * its pack by now. Workers at rest; hand them `shared` again afterwards.
   */
  settle(covered: CoveredHead): void {
    this.#emptyArena();
    this.#covered = covered;
    this.#writeHead();
  }

  /** What the arena holds is forgotten: a run that did not commit has stored nothing. */
  close(): void {
    this.#known.close();
    this.#earlier.close();
  }

  #emptyArena(): void {
    const { arena } = this.#known;
    const added = this.#arenaPacks.subarray(0, arena.size);
    this.#packs.save();
    const packs = { packWords: this.#packs.words(), deadPacks: this.#shared.table.deadPacks };
    if (added.length > 0) {
      this.#table.enter(inOrder(arena.ids, added), packs);
      this.#earlier.add(added);
      added.fill(NO_PACK);
      arena.clear();
    }
    this.#look(packs);
  }

  /** From now on blobs are looked up with what is known of these packs. */
  #look(packs: KnownPacks): void {
    this.#known.close();
    this.#shared = { ...this.#shared, table: this.#table.shared(packs) };
    this.#known = new KnownBlobs(this.#shared);
  }

  #writeHead(): void {
    this.#table.writeHead({
      packs: this.#packs.size,
      packsDigest: this.#packs.digest,
      coveredSeq: this.#covered.seq,
      coveredHash: this.#covered.hash,
    });
  }
}

/** Blobs of the arena that are in a pack, in the order of their ids. */
function inOrder(ids: Uint8Array, packs: Uint32Array): Parameters<CommittedTable['enter']>[0] {
  // The first four bytes, then the position: exact in 53 bits, and sorted as numbers.
  const keys = Float64Array.from(packs, (_, i) => readU32(ids, i * 32) * ARENA_RECORDS + i).sort();
  return {
    count: packs.length,
    each: (enter) => {
      for (const key of keys) {
        const position = key % ARENA_RECORDS;
        if (packs[position] !== NO_PACK) enter({ ids, at: position * 32, pack: packs[position]! });
      }
      freeBytes(keys);
    },
  };
}

function packsPath(folder: string): string {
  return join(folder, 'known-packs');
}

/** Undefined when anything is missing or does not fit the rest. */
function readStore(folder: string): StoreParts | undefined {
  const head = readHeadIn(folder);
  if (head === undefined) return undefined;
  const packs = PackNumbers.open(packsPath(folder), head);
  const table = packs && CommittedTable.open(folder, head, packs.words());
  if (packs === undefined || table === undefined) return undefined;
  const covered = { seq: head.coveredSeq, hash: head.coveredHash };
  return { folder, table, packs, covered, numbering: head.numbering };
}
