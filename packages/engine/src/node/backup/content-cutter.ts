/**
 * Reads a stretch of a file, cuts it as its kind wants, and stores the pieces. The memory of the chunker is the read
 * buffer, and nothing is copied on the way to it; small pieces are read straight into the packer's group.
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
import type { ContentReader } from '../../source.ts';
import { NEW_BLOB } from '../known-blobs/known-blobs.ts';
import { LARGE_BLOB_BYTES } from '../packing/frame-packer.ts';
import type { BlobStore } from './blob-store.ts';
import { ContentParts } from './content-parts.ts';
import { byContent, type Cutting } from './file-kinds.ts';

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
/** New blobs of one file after which its worker lets go of it: others must get their turn, and a commit its chance. */
const NEW_BLOBS_PER_TURN = 128;
/** Reads of long files: they stay in the processor's cache until they are hashed. */
const READ_BYTES: number = 1024 * 1024;

/** A stretch of a file to be read. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly isSparse: boolean;
}

/** What is left of a file after a turn. */
export interface Rest {
  readonly cutting: Cutting;
  readonly resumeAt: number;
}

/** Where a blob of zeros is: naming it takes as long as reading would. */
interface ZeroRun {
  readonly id: Uint8Array;
  /** Of an earlier commit. */
  readonly pack: number | undefined;
  readonly record: number;
}

export interface ContentCutterOptions {
  readonly reader: ContentReader;
  readonly store: BlobStore;
  readonly gearTable: Uint8Array;
  /** [0] counts bytes read. */
  readonly counters: Float64Array;
  /** Not zero: the run is to end. */
  readonly stop: Int32Array;
}

export class ContentCutter {
  /** Of the stretch in hand. */
  readonly parts: ContentParts = new ContentParts();
  readonly #options: ContentCutterOptions;
  readonly #reader: ContentReader;
  readonly #store: BlobStore;
  readonly #counters: Float64Array;
  readonly #buffer: Uint8Array;
  readonly #chunker: Chunker;
  readonly #zeros = new Uint8Array(MAX_CHUNK_BYTES);
  readonly #zeroRuns = new Map<number, ZeroRun>();
  /** Where to go on with the file, when its turn was over before its end. */
  rest: Rest | undefined;
  #newBlobs = 0;

  constructor(options: ContentCutterOptions) {
    const pages = (BUFFER_AT + BUFFER_BYTES) / WASM_PAGE;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    new Uint8Array(memory.buffer, 0, GEAR_TABLE_BYTES).set(options.gearTable);
    this.#buffer = new Uint8Array(memory.buffer, BUFFER_AT, BUFFER_BYTES);
    this.#chunker = createChunker(memory);
    this.#options = options;
    this.#reader = options.reader;
    this.#store = options.store;
    this.#counters = options.counters;
  }

  /** After a commit: blobs of this run are old ones now. */
  renew(): void {
    this.#zeroRuns.clear();
  }

  /** Begins another file, or another stretch of one. */
  begin(): void {
    this.parts.reset();
    this.rest = undefined;
    this.#newBlobs = 0;
  }

  get stopped(): boolean {
    return Atomics.load(this.#options.stop, 0) !== 0;
  }

  /** The first bytes of a file, as many as `length`; the answer of the reader when it failed. Valid until the next read. */
  head(handle: number, length: number): Uint8Array | number {
    const head = this.#buffer.subarray(0, length);
    const read = this.#reader.read(handle, head, 0);
    return read < 0 ? read : head.subarray(0, read);
  }

  /** 0, or −errno. */
  read(handle: number, cutting: Cutting, range: Range): number {
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
      if (this.stopped) return 0;
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
      if (!this.#addZeros(piece)) this.addStored(small ? this.#store.storeRead(piece) : this.#store.store(piece), read);
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
      if (this.stopped) return 0;
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
      if (!this.#addZeros(piece)) this.addStored(this.#store.store(piece), length);
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
    if (run.pack === undefined) this.parts.addNew(run.record, run.id, length);
    else this.parts.addOld(run.pack, run.id, length);
  }

  /** Notes the blob that the store took last. */
  addStored(found: number, length: number): void {
    if (found === NEW_BLOB) this.#newBlobs++;
    if (found >= 0) this.parts.addOld(found, this.#store.id, length);
    else this.parts.addNew(this.#store.record, this.#store.id, length);
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
          if (fileAt < to) this.rest = { cutting: byContent, resumeAt: fileAt };
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
      if (read === 0 || this.stopped) {
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
    this.addStored(this.#store.store(this.#buffer.subarray(start, start + length)), length);
  }
}

/** Length of the segments of a file that is cut this way. By content no segment is known before its end. */
export function segmentBytes(cutting: Cutting): number {
  if (cutting.kind === 'content') return Number.POSITIVE_INFINITY;
  const shortest = cutting.kind === 'pages' ? cutting.pieceBytes : cutting.pieceBytes / 2;
  return Math.min(SEGMENT_BYTES, SEGMENT_PIECES * shortest);
}
