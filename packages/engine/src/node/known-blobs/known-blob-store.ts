/**
 * The files behind KnownBlobs, in the vault's cache folder. All of it is a cache (security.md §3.4): when anything is
 * missing or does not fit, it is thrown away and read again from index objects.
 *
 * ```
 * known-packs    packId 32 each; its position is the pack number
 * known-blobs    records of 40 bytes (known-blobs.ts)
 * known-table    head (known-table-file.ts) ‖ tags ‖ slots
 * ```
 * known-table is replaced as a whole after every commit and says how much of the other two counts: what a crash
 * left behind it is overwritten. One process at a time uses the folder (cache-lock.ts).
 */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes, readU32 } from '@keephold/bytes';
import {
  ARENA_RECORDS,
  capacityFor,
  createSharedKnownBlobs,
  KnownBlobs,
  RECORD_BYTES,
  recordCheck,
  type SharedKnownBlobs,
} from './known-blobs.ts';
import {
  encodeTableHead,
  NUMBERING_BYTES,
  readFully,
  readTableHead,
  TABLE_HEAD_BYTES,
  type TableHead,
  tablePath,
  writeFully,
  writeWhole,
} from './known-table-file.ts';

const READ_RECORDS = 16_384;
/** Pack numbers beyond those known for which bits of dead packs are held ready. */
const SPARE_PACKS: number = 1 << 16;
/** While commits are read in, the arena is emptied when less room is left: a pack has at most 65,536 blobs. */
const SYNC_RESERVE: number = 1 << 10;

/** The commit up to which the cache knows all blobs. */
export interface CoveredHead {
  readonly seq: number;
  readonly hash: Uint8Array;
}

interface StoreParts {
  readonly folder: string;
  readonly shared: SharedKnownBlobs;
  readonly packIds: readonly Uint8Array[];
  readonly covered: CoveredHead;
  readonly numbering: Uint8Array;
}

export class KnownBlobStore {
  /** Tells this numbering of packs from any other: numbers kept elsewhere mean something only with it. */
  readonly numbering: Uint8Array;
  readonly #folder: string;
  readonly #packIds: Uint8Array[] = [];
  readonly #packNumbers = new Map<string, number>();
  #shared: SharedKnownBlobs;
  #known: KnownBlobs;
  #covered: CoveredHead;

  private constructor({ folder, shared, packIds, covered, numbering }: StoreParts) {
    this.numbering = numbering;
    this.#folder = folder;
    this.#shared = shared;
    this.#known = new KnownBlobs(shared);
    this.#covered = covered;
    for (const id of packIds) this.packNumber(id);
  }

  /** Opens the cache in `folder` (which exists), or starts an empty one. */
  static open(folder: string, start: CoveredHead): KnownBlobStore {
    const parts = readStore(folder);
    return parts === undefined ? KnownBlobStore.empty(folder, start) : new KnownBlobStore(parts);
  }

  static empty(folder: string, start: CoveredHead): KnownBlobStore {
    const recordsFile = join(folder, 'known-blobs');
    // The old table must not be taken for that of the new records, whenever this ends.
    rmSync(tablePath(folder), { force: true });
    closeSync(openSync(recordsFile, 'w', 0o600));
    const numbering = randomBytes(NUMBERING_BYTES);
    const shared = createSharedKnownBlobs({
      capacity: capacityFor(0),
      fileRecords: 0,
      packs: SPARE_PACKS,
      recordsFile,
      seed: readU32(numbering, 0),
    });
    const store = new KnownBlobStore({ folder, shared, packIds: [], covered: start, numbering });
    store.#save();
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

  /** Records committed and known, without the arena. */
  get records(): number {
    return new Uint32Array(this.#shared.counts)[0]!;
  }

  get packCount(): number {
    return this.#packIds.length;
  }

  packId(number: number): Uint8Array {
    const id = this.#packIds[number];
    if (id === undefined) throw new RangeError(`known blobs: no pack ${number}`);
    return id;
  }

  /** The number of a pack; a new one when it has none yet. */
  packNumber(id: Uint8Array): number {
    const key = Buffer.from(id.buffer, id.byteOffset, 32).toString('latin1');
    let number = this.#packNumbers.get(key);
    if (number === undefined) {
      number = this.#packIds.length;
      this.#packIds.push(id.slice(0, 32));
      this.#packNumbers.set(key, number);
    }
    return number;
  }

  /** Marks packs whose blobs must not be referred to. Workers at rest; hand them `shared` again afterwards. */
  setDeadPacks(isDead: (packId: Uint8Array) => boolean): number {
    let dead = 0;
    const bits = new SharedArrayBuffer(((this.#packIds.length + SPARE_PACKS) >> 3) + 1);
    const view = new Uint8Array(bits);
    this.#packIds.forEach((id, number) => {
      if (!isDead(id)) return;
      view[number >> 3]! |= 1 << (number & 7);
      dead++;
    });
    this.#replace({ ...this.#shared, deadPacks: bits });
    return dead;
  }

  /** Adds blobs of a committed pack, from its 48-byte rows, unless they are known. */
  addCommitted(packId: Uint8Array, blobRows: Uint8Array): void {
    const pack = this.packNumber(packId);
    for (let at = 0; at < blobRows.length; at += 48) {
      if (this.#known.findOrClaim(blobRows.subarray(at, at + 32)) === -1) this.#known.setPack(this.#known.record, pack);
      if (this.#known.arenaRoom < SYNC_RESERVE) this.#moveArena();
    }
  }

  /**
   * After a commit: moves the arena behind the file's records and writes the table, so that the next run starts from
   * here. Every record of the arena has its pack by now. Workers at rest; hand them `shared` again afterwards.
   */
  settle(covered: CoveredHead): void {
    this.#moveArena();
    this.#covered = covered;
    this.#save();
  }

  /** What the arena holds is forgotten: a run that did not commit has stored nothing. */
  close(): void {
    this.#known.close();
  }

  #moveArena(): void {
    const counts = new Uint32Array(this.#shared.counts);
    const [records, added] = [counts[0]!, counts[1]!];
    if (added > 0) {
      const file = openSync(this.#shared.recordsFile, 'r+');
      try {
        writeFully(file, new Uint8Array(this.#shared.arena, 0, added * RECORD_BYTES), records * RECORD_BYTES);
      } finally {
        closeSync(file);
      }
      counts[0] = records + added;
      counts[1] = 0;
    }
    const needed = capacityFor(records + added);
    if (needed > this.#shared.capacity) this.#grow(Math.ceil(needed * 1.5), records + added);
    else this.#replace(this.#shared);
  }

  #grow(capacity: number, records: number): void {
    this.#known.close();
    const { recordsFile, deadPacks, seed } = this.#shared;
    const shared = createSharedKnownBlobs({ capacity, fileRecords: records, packs: 0, recordsFile, seed });
    this.#shared = { ...shared, deadPacks };
    this.#known = new KnownBlobs(this.#shared);
    forEachRecord(recordsFile, records, (block, at, number) => this.#known.enter(block, at, number));
  }

  #replace(shared: SharedKnownBlobs): void {
    this.#known.close();
    this.#shared = shared;
    this.#known = new KnownBlobs(shared);
  }

  #save(): void {
    const { capacity, tags, slots } = this.#shared;
    const packIds = new Uint8Array(this.#packIds.length * 32);
    this.#packIds.forEach((id, i) => packIds.set(id, i * 32));
    writeWhole(packsPath(this.#folder), [packIds]);
    const head = encodeTableHead({
      capacity,
      records: this.records,
      packs: this.#packIds.length,
      coveredSeq: this.#covered.seq,
      coveredHash: this.#covered.hash,
      numbering: this.numbering,
      packsDigest: digest(packIds),
    });
    writeWhole(tablePath(this.#folder), [head, new Uint8Array(tags), new Uint8Array(slots)]);
  }
}

function packsPath(folder: string): string {
  return join(folder, 'known-packs');
}

function digest(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/** Undefined when anything is missing or does not fit the rest. */
function readStore(folder: string): StoreParts | undefined {
  if (!existsSync(tablePath(folder))) return undefined;
  const file = openSync(tablePath(folder), 'r');
  try {
    const head = readTableHead(file);
    return head === undefined ? undefined : readParts(folder, file, head);
  } finally {
    closeSync(file);
  }
}

function readParts(folder: string, table: number, head: TableHead): StoreParts | undefined {
  const { capacity, records, packs, numbering } = head;
  if (capacity < capacityFor(records) - ARENA_RECORDS) return undefined;
  const packIds = readPackIds(folder, head);
  const recordsFile = join(folder, 'known-blobs');
  const seed = readU32(numbering, 0);
  if (packIds === undefined || !hasRecords(recordsFile, records, seed)) return undefined;
  const shared = createSharedKnownBlobs({
    capacity,
    fileRecords: records,
    packs: packs + SPARE_PACKS,
    recordsFile,
    seed,
  });
  const tags = new Uint8Array(shared.tags);
  const slots = new Uint8Array(shared.slots);
  if (!readFully(table, tags, TABLE_HEAD_BYTES) || !readFully(table, slots, TABLE_HEAD_BYTES + capacity))
    return undefined;
  if (!areSlots(new Uint32Array(shared.slots), records)) return undefined;
  const covered = { seq: head.coveredSeq, hash: head.coveredHash };
  return { folder, shared, packIds, covered, numbering };
}

/** Whether every slot is free or names a record, and no more are taken than there are records: searches then end. */
function areSlots(slots: Uint32Array, records: number): boolean {
  let taken = 0;
  // Not `for…of`: an iterator over millions of slots takes most of a second and as much garbage.
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i]!;
    if (slot > records) return false;
    if (slot !== 0) taken++;
  }
  return taken <= records;
}

function readPackIds(folder: string, head: TableHead): Uint8Array[] | undefined {
  if (!existsSync(packsPath(folder))) return undefined;
  const file = openSync(packsPath(folder), 'r');
  try {
    const bytes = new Uint8Array(head.packs * 32);
    if (!readFully(file, bytes, 0) || !equalBytes(digest(bytes), head.packsDigest)) return undefined;
    return Array.from({ length: head.packs }, (_, i) => bytes.subarray(i * 32, i * 32 + 32));
  } finally {
    closeSync(file);
  }
}

function hasRecords(path: string, records: number, seed: number): boolean {
  if (!existsSync(path)) return false;
  // What a crashed run left behind the last commit is not counted, and would only be in the way.
  try {
    truncateSync(path, records * RECORD_BYTES);
  } catch {
    return false;
  }
  if (records === 0) return true;
  const file = openSync(path, 'r');
  try {
    const last = new Uint8Array(RECORD_BYTES);
    if (!readFully(file, last, (records - 1) * RECORD_BYTES)) return false;
    return readU32(last, 36) === recordCheck(last, 0, readU32(last, 32), seed);
  } finally {
    closeSync(file);
  }
}

function forEachRecord(
  path: string,
  records: number,
  visit: (block: Uint8Array, at: number, number: number) => void,
): void {
  const file = openSync(path, 'r');
  try {
    const block = new Uint8Array(READ_RECORDS * RECORD_BYTES);
    for (let first = 0; first < records; first += READ_RECORDS) {
      const count = Math.min(READ_RECORDS, records - first);
      if (!readFully(file, block.subarray(0, count * RECORD_BYTES), first * RECORD_BYTES))
        throw new RangeError('known blobs: the file is shorter than it was');
      for (let i = 0; i < count; i++) visit(block, i * RECORD_BYTES, first + i);
    }
  } finally {
    closeSync(file);
  }
}
