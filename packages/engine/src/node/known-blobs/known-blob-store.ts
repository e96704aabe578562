/**
 * The files behind KnownBlobs, in the vault's cache folder. All of it is a cache (security.md §3.4): when anything is
 * missing or does not fit, it is thrown away and read again from index objects.
 *
 * ```
 * known-packs    packId 32 each; its position is the pack number
 * known-blobs    records of 40 bytes (known-blobs.ts)
 * known-table    "KHKT" ‖ version u32 ‖ capacity u32 ‖ records u32 ‖ packs u32 ‖ commit seq u64 ‖ commit hash 32 ‖ tags ‖ slots
 * ```
 * known-table is replaced as a whole after every commit and says how much of the other two counts: what a crash
 * left behind it is overwritten.
 */
import { closeSync, existsSync, fdatasyncSync, openSync, readSync, renameSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ARENA_RECORDS, capacityFor, createSharedKnownBlobs, KnownBlobs, RECORD_BYTES, recordCheck, type SharedKnownBlobs } from './known-blobs.ts';

const MAGIC = 0x544b_484b;
const VERSION = 1;
const HEADER_BYTES = 64;
const READ_RECORDS = 16_384;

/** The commit up to which the cache knows all blobs. */
export interface CoveredHead {
  readonly seq: number;
  readonly hash: Uint8Array;
}

export class KnownBlobStore {
  readonly #folder: string;
  readonly #packIds: Uint8Array[] = [];
  readonly #packNumbers = new Map<string, number>();
  #shared: SharedKnownBlobs;
  #known: KnownBlobs;
  #covered: CoveredHead;

  private constructor(folder: string, shared: SharedKnownBlobs, packIds: readonly Uint8Array[], covered: CoveredHead) {
    this.#folder = folder;
    this.#shared = shared;
    this.#known = new KnownBlobs(shared);
    this.#covered = covered;
    for (const id of packIds) this.packNumber(id);
  }

  /** Opens the cache in `folder` (which exists), or starts an empty one. */
  static open(folder: string, start: CoveredHead): KnownBlobStore {
    return readStore(folder) ?? KnownBlobStore.empty(folder, start);
  }

  static empty(folder: string, start: CoveredHead): KnownBlobStore {
    const recordsFile = join(folder, 'known-blobs');
    closeSync(openSync(recordsFile, 'w', 0o600));
    const shared = createSharedKnownBlobs({ capacity: capacityFor(0), fileRecords: 0, packs: 1 << 16, recordsFile });
    return new KnownBlobStore(folder, shared, [], start);
  }

  /** For readStore only. */
  static restored(folder: string, shared: SharedKnownBlobs, packIds: readonly Uint8Array[], covered: CoveredHead): KnownBlobStore {
    return new KnownBlobStore(folder, shared, packIds, covered);
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
    const bits = new SharedArrayBuffer(((this.#packIds.length + (1 << 16)) >> 3) + 1);
    const view = new Uint8Array(bits);
    this.#packIds.forEach((id, number) => {
      if (!isDead(id)) return;
      view[number >> 3]! |= 1 << (number & 7);
      dead++;
    });
    this.#replace({ ...this.#shared, deadPacks: bits });
    return dead;
  }

  /** Adds blobs of a committed pack, from its 48-byte rows, without asking whether they are known. */
  addCommitted(packId: Uint8Array, blobRows: Uint8Array): void {
    const pack = this.packNumber(packId);
    for (let at = 0; at < blobRows.length; at += 48) {
      if (this.#known.findOrClaim(blobRows.subarray(at, at + 32)) === -1) this.#known.setPack(this.#known.record, pack);
      if (this.#known.arenaIsFull) this.#moveArena();
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

  /** Forgets what the arena holds (a run that did not commit) by reading the files again. */
  close(): void {
    this.#known.close();
  }

  #moveArena(): void {
    const counts = new Uint32Array(this.#shared.counts);
    const [records, added] = [counts[0]!, counts[1]!];
    if (added > 0) {
      const file = openSync(this.#shared.recordsFile, 'r+');
      try {
        const bytes = new Uint8Array(this.#shared.arena, 0, added * RECORD_BYTES);
        writeSync(file, bytes, 0, bytes.length, records * RECORD_BYTES);
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
    const { recordsFile, deadPacks } = this.#shared;
    const shared = createSharedKnownBlobs({ capacity, fileRecords: records, packs: 0, recordsFile });
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
    const packs = new Uint8Array(this.#packIds.length * 32);
    this.#packIds.forEach((id, i) => packs.set(id, i * 32));
    writeWhole(join(this.#folder, 'known-packs'), [packs]);
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    [MAGIC, VERSION, capacity, this.records, this.#packIds.length].forEach((value, i) => header.setUint32(i * 4, value, true));
    header.setBigUint64(20, BigInt(this.#covered.seq), true);
    new Uint8Array(header.buffer).set(this.#covered.hash.subarray(0, 32), 28);
    writeWhole(join(this.#folder, 'known-table'), [new Uint8Array(header.buffer), new Uint8Array(tags), new Uint8Array(slots)]);
  }
}

function readStore(folder: string): KnownBlobStore | undefined {
  const tableFile = join(folder, 'known-table');
  if (!existsSync(tableFile)) return undefined;
  const file = openSync(tableFile, 'r');
  try {
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    if (readSync(file, header, 0, HEADER_BYTES, 0) !== HEADER_BYTES) return undefined;
    const [magic, version, capacity, records, packs] = [0, 4, 8, 12, 16].map((at) => header.getUint32(at, true)) as [number, number, number, number, number];
    if (magic !== MAGIC || version !== VERSION || capacity < capacityFor(records) - ARENA_RECORDS) return undefined;
    const packIds = readPackIds(join(folder, 'known-packs'), packs);
    const recordsFile = join(folder, 'known-blobs');
    if (packIds === undefined || !hasRecords(recordsFile, records)) return undefined;
    const shared = createSharedKnownBlobs({ capacity, fileRecords: records, packs: packs + (1 << 16), recordsFile });
    const read =
      readFully(file, new Uint8Array(shared.tags), HEADER_BYTES) &&
      readFully(file, new Uint8Array(shared.slots), HEADER_BYTES + capacity);
    if (!read) return undefined;
    const covered = { seq: Number(header.getBigUint64(20, true)), hash: new Uint8Array(header.buffer, 28, 32).slice() };
    return KnownBlobStore.restored(folder, shared, packIds, covered);
  } finally {
    closeSync(file);
  }
}

function readPackIds(path: string, count: number): Uint8Array[] | undefined {
  if (!existsSync(path)) return undefined;
  const file = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(count * 32);
    if (!readFully(file, bytes, 0)) return undefined;
    return Array.from({ length: count }, (_, i) => bytes.subarray(i * 32, i * 32 + 32));
  } finally {
    closeSync(file);
  }
}

function hasRecords(path: string, records: number): boolean {
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
    const view = new DataView(last.buffer);
    return view.getUint32(36, true) === recordCheck(last, 0, view.getUint32(32, true));
  } finally {
    closeSync(file);
  }
}

function forEachRecord(path: string, records: number, visit: (block: Uint8Array, at: number, number: number) => void): void {
  const file = openSync(path, 'r');
  try {
    const block = new Uint8Array(READ_RECORDS * RECORD_BYTES);
    for (let first = 0; first < records; first += READ_RECORDS) {
      const count = Math.min(READ_RECORDS, records - first);
      if (!readFully(file, block.subarray(0, count * RECORD_BYTES), first * RECORD_BYTES)) throw new RangeError('known blobs: the file is shorter than it was');
      for (let i = 0; i < count; i++) visit(block, i * RECORD_BYTES, first + i);
    }
  } finally {
    closeSync(file);
  }
}

function readFully(file: number, into: Uint8Array, position: number): boolean {
  let done = 0;
  while (done < into.length) {
    const read = readSync(file, into, done, Math.min(into.length - done, 1 << 30), position + done);
    if (read === 0) return false;
    done += read;
  }
  return true;
}

function writeWhole(path: string, parts: readonly Uint8Array[]): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, 'w', 0o600);
  try {
    for (const part of parts) {
      let done = 0;
      while (done < part.length) done += writeSync(file, part, done);
    }
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}
