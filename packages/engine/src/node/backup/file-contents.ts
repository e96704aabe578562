/**
 * Captures the content of one file: read, cut, store, and look again whether it held still (asks.md 18). The memory of
 * the chunker is the read buffer; small files are read straight into the packer's group.
 */
import { copyBytes } from '@keephold/ffi';
import {
  type Chunker,
  createChunker,
  GEAR_TABLE_BYTES,
  MAX_CHUNK_BYTES,
  MIN_CHUNK_BYTES,
  SECTOR_WINDOW_BYTES,
} from '../../chunker.ts';
import { CONTENT_ROW_BYTES } from '../../node-encoding.ts';
import { type ContentReader, IDENTITY_WORDS, STAT_ROW_WORDS, sizeOf } from '../../source.ts';
import { NEW_BLOB } from '../known-blobs/known-blobs.ts';
import { LARGE_BLOB_BYTES } from '../packing/frame-packer.ts';
import type { BlobStore } from './blob-store.ts';
import { byContent, type Cutting, cuttingOf, isSqlite, logEndingOf, SIGNATURE_BYTES } from './file-kinds.ts';
import { type FileResultWriter, RECORD_PLACE } from './file-results.ts';
import type { FileSegment } from './messages.ts';
import { isYoung } from './young.ts';

const WASM_PAGE = 65_536;
const BUFFER_AT = WASM_PAGE;
/** A chunk of the greatest length, and what is read beyond it. */
const BUFFER_BYTES: number = 5 * 1024 * 1024;
/** As much of the buffer as all but few chunks need: the rest then takes no memory of the machine. */
const USUAL_BYTES: number = 3 * 1024 * 1024;
/** A file of small pieces is shared among workers in segments of at most this length. */
const SEGMENT_BYTES: number = 32 * 1024 * 1024;
/** … and no more than so many pieces: a segment is also what one worker may add to the known blobs unasked. */
export const SEGMENT_PIECES = 512;
const ATTEMPTS = 2;

/** New blobs of one file after which its worker lets go of it: others must get their turn, and a commit its chance. */
const NEW_BLOBS_PER_TURN = 128;

/** Reads of long files: they stay in the processor's cache until they are hashed. */
const READ_BYTES: number = 1024 * 1024;

/** What is left of a file after a turn. */
interface Rest {
  readonly cutting: Cutting;
  readonly resumeAt: number;
}

export class FileContents {
  readonly #reader: ContentReader;
  readonly #now: () => number;
  readonly #store: BlobStore;
  readonly #counters: Float64Array;
  readonly #stop: Int32Array;
  readonly #buffer: Uint8Array;
  readonly #chunker: Chunker;
  readonly #parts = new ContentParts();
  readonly #row = new Uint32Array(STAT_ROW_WORDS);
  readonly #zeros = new Uint8Array(MAX_CHUNK_BYTES);
  readonly #zeroRuns = new Map<number, ZeroRun>();
  #rest: Rest | undefined;
  #newBlobs = 0;
  /** Of the file in hand. */
  #isDatabase = false;
  #asItLies = false;
  #isInUse = false;
  #hasLog = false;

  constructor(parts: {
    readonly reader: ContentReader;
    readonly now: () => number;
    readonly store: BlobStore;
    readonly gearTable: Uint8Array;
    readonly counters: Float64Array;
    readonly stop: Int32Array;
  }) {
    const pages = (BUFFER_AT + BUFFER_BYTES) / WASM_PAGE;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    new Uint8Array(memory.buffer, 0, GEAR_TABLE_BYTES).set(parts.gearTable);
    this.#buffer = new Uint8Array(memory.buffer, BUFFER_AT, BUFFER_BYTES);
    this.#chunker = createChunker(memory);
    this.#reader = parts.reader;
    this.#now = parts.now;
    this.#store = parts.store;
    this.#counters = parts.counters;
    this.#stop = parts.stop;
  }

  /** After a commit: blobs of this run are old ones now. */
  renew(): void {
    this.#zeroRuns.clear();
  }

  /**
   * Reads the file at `path` (ends with NUL), listed as `row`, and writes what came of it. A database in use is given
   * back, unless it is to be read as it lies.
   */
  capture(
    path: Uint8Array,
    { row, asItLies }: { readonly row: Uint32Array; readonly asItLies: boolean },
    results: FileResultWriter,
  ): void {
    this.#asItLies = asItLies;
    if (this.#stopped) return results.gone();
    const handle = this.#reader.open(path);
    if (handle < 0) return this.#openFailed(handle, results);
    try {
      let before: Uint32Array = row;
      for (let attempt = 1; ; attempt++) {
        const size = sizeOf(before, 0);
        const failed = this.#read(handle, path, before, size);
        if (this.#stopped) return results.gone();
        if (failed < 0) return results.failed(this.#reader.errorCode(failed));
        if (this.#isInUse) return results.inUse(this.#hasLog);
        if (!this.#reader.stat(handle, this.#row)) return results.gone();
        const still = sameIdentity(before, this.#row) && this.#parts.bytes === (this.#rest?.resumeAt ?? size);
        if (!still && this.#isDatabase && !asItLies) return results.inUse(false);
        if (still || attempt === ATTEMPTS) {
          const row = attempt === 1 && still ? undefined : this.#row.slice();
          return this.#report(handle, { row, live: !still, from: 0 }, results);
        }
        before = this.#row.slice();
      }
    } finally {
      this.#reader.close(handle);
    }
  }

  /** Reads one segment of a file: small pieces, or as many chunks as one turn takes. */
  captureSegment(segment: FileSegment, results: FileResultWriter): void {
    if (this.#stopped) return results.gone();
    const handle = this.#reader.open(segment.path);
    if (handle < 0) return this.#openFailed(handle, results);
    try {
      const { stats, cutting, from, to } = segment;
      this.#begin();
      const range = { from, to, isSparse: isSparse(stats) };
      const failed = this.#readCut(handle, cutting, range);
      if (this.#stopped) return results.gone();
      if (failed < 0) return results.failed(this.#reader.errorCode(failed));
      if (!this.#reader.stat(handle, this.#row)) return results.gone();
      const still = sameIdentity(stats, this.#row) && this.#parts.bytes === (this.#rest?.resumeAt ?? to) - from;
      this.#report(handle, { row: still ? undefined : this.#row.slice(), live: !still, from }, results);
    } finally {
      this.#reader.close(handle);
    }
  }

  get #stopped(): boolean {
    return Atomics.load(this.#stop, 0) !== 0;
  }

  #openFailed(answer: number, results: FileResultWriter): void {
    const code = this.#reader.errorCode(answer);
    if (code === 'ENOENT' || code === 'ENOTDIR') results.gone();
    else results.failed(code);
  }

  #report(
    handle: number,
    state: { readonly row: Uint32Array | undefined; readonly live: boolean; readonly from: number },
    results: FileResultWriter,
  ): void {
    const { row, live, from } = state;
    const current = row ?? this.#row;
    // A file that went on changing gets the length of what was read, so that its parts sum to its size.
    if (live && row !== undefined && from === 0 && this.#rest === undefined) setFileSize(row, this.#parts.bytes);
    const holes = isSparse(current) && !live && from === 0 ? this.#reader.holes(handle, sizeOf(current, 0)) : [];
    const { rows: parts, places } = this.#parts;
    results.read({ row, live, parts, places, holes, isDatabase: this.#isDatabase, ...this.#rest });
  }

  #begin(): void {
    this.#parts.reset();
    this.#rest = undefined;
    this.#newBlobs = 0;
    this.#isDatabase = false;
    this.#isInUse = false;
    this.#hasLog = false;
  }

  /**
   * Takes note of a database. It is in use when it has just changed, since a write within the same tick of the file
   * system's clock could not be seen by its times; and when there is a log or journal, which was not there yet when its
   * folder was listed: the transaction may have written a part of its pages before that.
   */
  #look(handle: number, path: Uint8Array, head: Uint8Array): void {
    this.#isDatabase = isSqlite(head);
    if (!this.#isDatabase || this.#asItLies) return;
    this.#hasLog = this.#isFilled(withEnding(path, logEndingOf(head)));
    this.#isInUse = this.#hasLog || (this.#reader.stat(handle, this.#row) && isYoung(this.#row, 0, this.#now() / 1000));
  }

  #isFilled(path: Uint8Array): boolean {
    const handle = this.#reader.open(path);
    if (handle < 0) return false;
    try {
      return this.#reader.stat(handle, this.#row) && sizeOf(this.#row, 0) > 0;
    } finally {
      this.#reader.close(handle);
    }
  }

  /** 0, or −errno. */
  #read(handle: number, path: Uint8Array, row: Uint32Array, size: number): number {
    this.#begin();
    if (size < LARGE_BLOB_BYTES) return this.#readSmall(handle, path, size);
    return this.#readLarge(handle, path, { from: 0, to: size, isSparse: isSparse(row) });
  }

  /** One blob, read in place. 0, or −errno. A file longer than listed is noticed by the stat that follows. */
  #readSmall(handle: number, path: Uint8Array, size: number): number {
    const space = this.#store.space(size);
    const read = this.#reader.read(handle, space, 0);
    if (read < 0) return read;
    this.#counters[0]! += read;
    const length = Math.min(read, size);
    this.#look(handle, path, space.subarray(0, length));
    if (length > 0 && !this.#isInUse) this.#addStored(this.#store.storeRead(space.subarray(0, length)), length);
    return 0;
  }

  #readLarge(handle: number, path: Uint8Array, range: Range): number {
    const head = this.#buffer.subarray(0, SIGNATURE_BYTES);
    const read = this.#reader.read(handle, head, 0);
    if (read < 0) return read;
    this.#look(handle, path, head.subarray(0, read));
    if (this.#isInUse) return 0;
    const cutting = cuttingOf(head.subarray(0, read), range.to, path);
    const to = Math.min(range.to, segmentBytes(cutting));
    if (to < range.to) this.#rest = { cutting, resumeAt: to };
    return this.#readCut(handle, cutting, { ...range, to });
  }

  /** 0, or −errno. */
  #readCut(handle: number, cutting: Cutting, range: Range): number {
    switch (cutting.kind) {
      case 'content':
        return this.#readByContent(handle, range);
      case 'pages':
        return this.#readPieces(handle, cutting.pieceBytes, range);
      case 'sectors':
        return this.#readSectors(handle, cutting.pieceBytes, range);
    }
  }

  #readPieces(handle: number, pieceBytes: number, { from, to, isSparse }: Range): number {
    let data = isSparse ? this.#reader.nextData(handle, from) : 0;
    for (let at = from; at < to; at += pieceBytes) {
      if (this.#stopped) return 0;
      const wanted = Math.min(pieceBytes, to - at);
      if (at + wanted <= data) {
        this.#addZeroRun(wanted);
        continue;
      }
      const small = wanted < LARGE_BLOB_BYTES;
      const space = small ? this.#store.space(wanted).subarray(0, wanted) : this.#buffer.subarray(0, wanted);
      const read = this.#reader.read(handle, space, at);
      if (read < 0) return read;
      if (read === 0) return 0;
      this.#counters[0]! += read;
      const piece = space.subarray(0, read);
      if (!this.#addZeros(piece))
        this.#addStored(small ? this.#store.storeRead(piece) : this.#store.store(piece), read);
      // The file has become shorter; what might be written behind it now does not belong to what was read.
      else if (isSparse) data = this.#reader.nextData(handle, at + wanted);
      if (read < wanted) return 0;
    }
    return 0;
  }

  /** A stretch of a disk image, cut where its sectors say. */
  #readSectors(handle: number, pieceBytes: number, { from, to, isSparse }: Range): number {
    const longest = 2 * pieceBytes;
    const room = Math.min(this.#buffer.length, Math.max(READ_BYTES, 2 * longest));
    let data = isSparse ? this.#reader.nextData(handle, from) : 0;
    let end = to;
    let start = 0;
    let filled = 0;
    for (let at = from; at < end; ) {
      if (this.#stopped) return 0;
      if (at + longest <= Math.min(data, end)) {
        this.#addZeroRun(longest);
        at += longest;
        start = filled;
        continue;
      }
      if (filled - start < Math.min(longest + SECTOR_WINDOW_BYTES, end - at)) {
        copyBytes(this.#buffer, this.#buffer.subarray(start, filled));
        filled -= start;
        start = 0;
        const wanted = Math.min(room, end - at) - filled;
        const read = this.#reader.read(handle, this.#buffer.subarray(filled, filled + wanted), at + filled);
        if (read < 0) return read;
        this.#counters[0]! += read;
        filled += read;
        // The file has become shorter; what might be written behind it now does not belong to what was read.
        if (read < wanted) end = at + filled;
        if (filled === 0) return 0;
      }
      const length = this.#chunker.cutAtSector(BUFFER_AT + start, filled - start, pieceBytes);
      const piece = this.#buffer.subarray(start, start + length);
      start += length;
      at += length;
      if (!this.#addZeros(piece)) this.#addStored(this.#store.store(piece), length);
      else if (isSparse) data = this.#reader.nextData(handle, at);
    }
    return 0;
  }

  /** Images are full of zeros: naming them once is enough. */
  #addZeros(piece: Uint8Array): boolean {
    if (
      piece[0] !== 0 ||
      piece[piece.length >> 1] !== 0 ||
      Buffer.compare(piece, this.#zeros.subarray(0, piece.length)) !== 0
    )
      return false;
    this.#addZeroRun(piece.length);
    return true;
  }

  #addZeroRun(length: number): void {
    let run = this.#zeroRuns.get(length);
    if (run === undefined) {
      const found = this.#store.store(this.#zeros.subarray(0, length));
      if (found === NEW_BLOB) this.#newBlobs++;
      run = { id: this.#store.id.slice(), pack: found >= 0 ? found : undefined, record: this.#store.record };
      this.#zeroRuns.set(length, run);
    }
    if (run.pack === undefined) this.#parts.addNew(run.record, run.id, length);
    else this.#parts.addOld(run.pack, run.id, length);
  }

  #addStored(found: number, length: number): void {
    if (found === NEW_BLOB) this.#newBlobs++;
    if (found >= 0) this.#parts.addOld(found, this.#store.id, length);
    else this.#parts.addNew(this.#store.record, this.#store.id, length);
  }

  /** No more than was there when it was looked at: a file may grow faster than it is read. 0, or −errno. */
  #readByContent(handle: number, { from, to, isSparse }: Range): number {
    const holes = isSparse ? this.#reader.holes(handle, to) : [];
    this.#chunker.reset();
    let hole = 0;
    let start = 0;
    let filled = 0;
    let fileAt = from;
    let isAtCut = true;
    for (;;) {
      if (isAtCut) {
        while (hole < holes.length && fileAt >= holes[hole]![0] + holes[hole]![1]) hole++;
        const inHole = hole < holes.length ? this.#skipZeros(fileAt, holes[hole]!) : 0;
        const isTurnOver = this.#newBlobs >= NEW_BLOBS_PER_TURN;
        // What was read ahead of here is left out, or read again by whoever goes on.
        if (inHole > 0 || isTurnOver) start = filled;
        fileAt += inHole;
        if (isTurnOver) {
          if (fileAt < to) this.#rest = { cutting: byContent, resumeAt: fileAt };
          return 0;
        }
      }
      const cut = to - from <= MIN_CHUNK_BYTES ? 0 : this.#chunker.cut(BUFFER_AT + start, filled - start);
      isAtCut = cut > 0;
      if (isAtCut) {
        this.#addChunk(start, cut);
        start += cut;
        fileAt += cut;
        continue;
      }
      if (start > 0 && filled + READ_BYTES > USUAL_BYTES) {
        copyBytes(this.#buffer, this.#buffer.subarray(start, filled));
        filled -= start;
        start = 0;
      }
      const readAt = fileAt + filled - start;
      const end = filled + Math.min(READ_BYTES, to - readAt);
      const read = this.#reader.read(handle, this.#buffer.subarray(filled, end), readAt);
      if (read < 0) return read;
      this.#counters[0]! += read;
      if (read === 0 || this.#stopped) {
        if (filled > start) this.#addChunk(start, filled - start);
        return 0;
      }
      filled += read;
    }
  }

  /** Whole chunks of zeros inside a hole, without reading them; the bytes they cover. */
  #skipZeros(at: number, hole: readonly [number, number]): number {
    if (at < hole[0]) return 0;
    let covered = 0;
    while (at + covered + MAX_CHUNK_BYTES <= hole[0] + hole[1]) {
      this.#addZeroRun(MAX_CHUNK_BYTES);
      covered += MAX_CHUNK_BYTES;
    }
    return covered;
  }

  #addChunk(start: number, length: number): void {
    this.#addStored(this.#store.store(this.#buffer.subarray(start, start + length)), length);
  }
}

/** Parts of the file in hand. */
class ContentParts {
  #rows = new Uint8Array(256 * CONTENT_ROW_BYTES);
  #count = 0;
  #places: number[] = [];
  bytes = 0;

  reset(): void {
    this.#count = 0;
    this.#places = [];
    this.bytes = 0;
  }

  get rows(): Uint8Array {
    return this.#rows.subarray(0, this.#count * CONTENT_ROW_BYTES);
  }

  /** Where the parts are (file-results.ts), repetitions left out as far as they are next to each other. */
  get places(): readonly number[] {
    return this.#places;
  }

  /** A blob that an earlier commit holds in `pack`. */
  addOld(pack: number, id: Uint8Array, length: number): void {
    if (this.#places.at(-1) !== pack && !(this.#places.length < 16 && this.#places.includes(pack)))
      this.#places.push(pack);
    this.#add(id, length);
  }

  /** A blob of this run: its pack is known after the commit, by its record. */
  addNew(record: number, id: Uint8Array, length: number): void {
    const place = (record | RECORD_PLACE) >>> 0;
    if (this.#places.at(-1) !== place) this.#places.push(place);
    this.#add(id, length);
  }

  #add(id: Uint8Array, length: number): void {
    const at = this.#count * CONTENT_ROW_BYTES;
    if (at === this.#rows.length) {
      const grown = new Uint8Array(this.#rows.length * 2);
      grown.set(this.#rows);
      this.#rows = grown;
    }
    this.#rows.set(id, at);
    this.#rows[at + 32] = length;
    this.#rows[at + 33] = length >>> 8;
    this.#rows[at + 34] = length >>> 16;
    this.#rows[at + 35] = length >>> 24;
    this.#count++;
    this.bytes += length;
  }
}

function sameIdentity(a: Uint32Array, b: Uint32Array): boolean {
  for (let i = 0; i < IDENTITY_WORDS; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Where a blob of zeros is: naming it takes as long as reading would. */
interface ZeroRun {
  readonly id: Uint8Array;
  /** Of an earlier commit. */
  readonly pack: number | undefined;
  readonly record: number;
}

/** A path with something behind its name; both end with NUL. */
function withEnding(path: Uint8Array, ending: string): Uint8Array {
  return Buffer.concat([path.subarray(0, -1), Buffer.from(`${ending}\0`)]);
}

/** A stretch of a file to be read. */
interface Range {
  readonly from: number;
  readonly to: number;
  readonly isSparse: boolean;
}

/** Whether a file has fewer blocks than bytes. */
function isSparse(row: Uint32Array): boolean {
  return (row[22]! + row[23]! * 0x1_0000_0000) * 512 < sizeOf(row, 0);
}

/** Length of the segments of a file that is cut this way. By content no segment is known before its end. */
export function segmentBytes(cutting: Cutting): number {
  if (cutting.kind === 'content') return Number.POSITIVE_INFINITY;
  const shortest = cutting.kind === 'pages' ? cutting.pieceBytes : cutting.pieceBytes / 2;
  return Math.min(SEGMENT_BYTES, SEGMENT_PIECES * shortest);
}

export function setFileSize(row: Uint32Array, size: number): void {
  row[8] = size % 0x1_0000_0000;
  row[9] = Math.floor(size / 0x1_0000_0000);
}
