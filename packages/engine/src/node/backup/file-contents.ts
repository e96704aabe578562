/** Captures the content of one file: read, cut, store, and look again whether it held still (asks.md 18). */
import { type ContentReader, IDENTITY_WORDS, STAT_ROW_WORDS, sizeOf } from '../../source.ts';
import { LARGE_BLOB_BYTES } from '../packing/frame-packer.ts';
import type { BlobStore } from './blob-store.ts';
import { ContentCutter, type ContentCutterOptions, type Range, segmentBytes } from './content-cutter.ts';
import { cuttingOf, isSqlite, logEndingOf, SIGNATURE_BYTES } from './file-kinds.ts';
import type { FileResultWriter } from './file-results.ts';
import type { FileSegment } from './messages.ts';
import { isYoung } from './young.ts';

const ATTEMPTS = 2;

export class FileContents {
  readonly #reader: ContentReader;
  readonly #now: () => number;
  readonly #store: BlobStore;
  readonly #counters: Float64Array;
  readonly #cutter: ContentCutter;
  readonly #row = new Uint32Array(STAT_ROW_WORDS);
  /** Of the file in hand. */
  #isDatabase = false;
  #asItLies = false;
  #isInUse = false;
  #hasLog = false;

  constructor(options: ContentCutterOptions & { readonly now: () => number }) {
    this.#reader = options.reader;
    this.#now = options.now;
    this.#store = options.store;
    this.#counters = options.counters;
    this.#cutter = new ContentCutter(options);
  }

  /** After a commit: blobs of this run are old ones now. */
  renew(): void {
    this.#cutter.renew();
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
    if (this.#cutter.stopped) return results.gone();
    const handle = this.#reader.open(path);
    if (handle < 0) return this.#openFailed(handle, results);
    try {
      let before: Uint32Array = row;
      for (let attempt = 1; ; attempt++) {
        const size = sizeOf(before, 0);
        const failed = this.#read(handle, path, before, size);
        if (this.#cutter.stopped) return results.gone();
        if (failed < 0) return results.failed(this.#reader.errorCode(failed));
        if (this.#isInUse) return results.inUse(this.#hasLog ? 'part' : 'whole');
        if (!this.#reader.stat(handle, this.#row)) return results.gone();
        const still =
          sameIdentity(before, this.#row) && this.#cutter.parts.bytes === (this.#cutter.rest?.resumeAt ?? size);
        if (!still && this.#isDatabase && !asItLies) return results.inUse('whole');
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
    if (this.#cutter.stopped) return results.gone();
    const handle = this.#reader.open(segment.path);
    if (handle < 0) return this.#openFailed(handle, results);
    try {
      const { stats, cutting, from, to } = segment;
      this.#begin();
      const range = { from, to, isSparse: isSparse(stats) };
      const failed = this.#cutter.read(handle, cutting, range);
      if (this.#cutter.stopped) return results.gone();
      if (failed < 0) return results.failed(this.#reader.errorCode(failed));
      if (!this.#reader.stat(handle, this.#row)) return results.gone();
      const still =
        sameIdentity(stats, this.#row) && this.#cutter.parts.bytes === (this.#cutter.rest?.resumeAt ?? to) - from;
      this.#report(handle, { row: still ? undefined : this.#row.slice(), live: !still, from }, results);
    } finally {
      this.#reader.close(handle);
    }
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
    if (live && row !== undefined && from === 0 && this.#cutter.rest === undefined)
      setFileSize(row, this.#cutter.parts.bytes);
    const holes = isSparse(current) && !live && from === 0 ? this.#reader.holes(handle, sizeOf(current, 0)) : [];
    const { rows: parts, places } = this.#cutter.parts;
    results.read({ row, live, parts, places, holes, isDatabase: this.#isDatabase, ...this.#cutter.rest });
  }

  #begin(): void {
    this.#cutter.begin();
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
    if (length > 0 && !this.#isInUse) this.#cutter.addStored(this.#store.storeRead(space.subarray(0, length)), length);
    return 0;
  }

  #readLarge(handle: number, path: Uint8Array, range: Range): number {
    const head = this.#cutter.head(handle, SIGNATURE_BYTES);
    if (typeof head === 'number') return head;
    this.#look(handle, path, head);
    if (this.#isInUse) return 0;
    const cutting = cuttingOf(head, range.to, path);
    const to = Math.min(range.to, segmentBytes(cutting));
    if (to < range.to) this.#cutter.rest = { cutting, resumeAt: to };
    return this.#cutter.read(handle, cutting, { ...range, to });
  }
}

function sameIdentity(a: Uint32Array, b: Uint32Array): boolean {
  for (let i = 0; i < IDENTITY_WORDS; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A path with something behind its name; both end with NUL. */
function withEnding(path: Uint8Array, ending: string): Uint8Array {
  return Buffer.concat([path.subarray(0, -1), Buffer.from(`${ending}\0`)]);
}

/** Whether a file has fewer blocks than bytes. */
function isSparse(row: Uint32Array): boolean {
  return (row[22]! + row[23]! * 0x1_0000_0000) * 512 < sizeOf(row, 0);
}

export function setFileSize(row: Uint32Array, size: number): void {
  row[8] = size % 0x1_0000_0000;
  row[9] = Math.floor(size / 0x1_0000_0000);
}
