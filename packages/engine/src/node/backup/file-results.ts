/**
 * What a worker found out about the files of a batch, as one byte array (little-endian, fields in this order):
 *
 * ```
 * outcome u8 (0 read, 1 failed, 2 gone, 3 go on in segments, 4 database in use) ‖ changed u8 ‖ live u8 ‖ database u8
 * outcome 1:  length u32 ‖ error code as ASCII, padded to 4
 * 0 and 3:       row (104 bytes, only when changed ≠ 0)
 *             parts u32 ‖ parts × (blobId 32 ‖ length u32)      places u32 ‖ places × u32
 *             holes u32 ‖ holes × (offset f64 ‖ length f64)     outcome 3 also: cutting u32 (0 content,
 *             1 pages, 2 sectors) ‖ pieceBytes u32 ‖ resumeAt f64
 * ```
 * A place is the number of a pack committed earlier, or with the top bit set the KnownBlobs record of a blob that this
 * run stores: its pack is known only when it is sealed.
 */
import { CONTENT_ROW_BYTES } from '../../node-encoding.ts';
import { STAT_ROW_BYTES, STAT_ROW_WORDS } from '../../source.ts';
import { byContent, type Cutting } from './file-kinds.ts';

/** Top bit of a place: the rest is a record number. */
export const RECORD_PLACE = 0x8000_0000;

export type FileOutcome = 'read' | 'failed' | 'gone' | 'segments' | 'in-use';
const OUTCOMES: readonly FileOutcome[] = ['read', 'failed', 'gone', 'segments', 'in-use'];
const CUTTINGS: readonly Cutting['kind'][] = ['content', 'pages', 'sectors'];

export interface FileResult {
  readonly outcome: FileOutcome;
  readonly errorCode: string;
  /** The row as it was when the file was read, if it differs from the listing. */
  readonly changedRow: Uint32Array | undefined;
  /** The file changed while it was read, twice. With outcome in-use: it is not all of the database. */
  readonly live: boolean;
  /** With outcome segments: a SQLite database. */
  readonly isDatabase: boolean;
  /** Rows of blobId 32 ‖ length u32. */
  readonly parts: Uint8Array;
  /** Where the parts are. */
  readonly places: readonly number[];
  readonly holes: readonly (readonly [number, number])[];
  /** With outcome segments: how the rest is cut … */
  readonly cutting: Cutting;
  /** … from this offset on. */
  readonly resumeAt: number;
  /** A copy of a database was read; the file itself was not looked at. */
  readonly isCopy?: boolean;
  /** It was read in a snapshot of its file system. */
  readonly isFrozen?: boolean;
  /** Why a database in use was not copied. */
  readonly notCopied?: string | undefined;
}

/** The rest of a result that has no content. */
export const nothingRead: Omit<FileResult, 'outcome' | 'errorCode'> = {
  changedRow: undefined,
  live: false,
  isDatabase: false,
  parts: new Uint8Array(0),
  places: [],
  holes: [],
  cutting: byContent,
  resumeAt: 0,
};

export class FileResultWriter {
  #bytes = new Uint8Array(64 * 1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  failed(code: string): void {
    this.#header(1, false, false);
    this.#u32(code.length);
    const padded = Math.ceil(code.length / 4) * 4;
    this.#reserve(padded);
    for (let i = 0; i < padded; i++) this.#bytes[this.#length + i] = i < code.length ? code.charCodeAt(i) : 0;
    this.#length += padded;
  }

  gone(): void {
    this.#header(2, false, false);
  }

  /**
   * A SQLite database that changes while it is read or has just changed; `part`: one that has a log which its folder did
   * not list.
   */
  inUse(state: 'whole' | 'part'): void {
    this.#header(4, false, state === 'part');
  }

  read(result: {
    readonly row: Uint32Array | undefined;
    readonly live: boolean;
    readonly parts: Uint8Array;
    readonly places: readonly number[];
    readonly holes: readonly (readonly [number, number])[];
    readonly isDatabase: boolean;
    readonly cutting?: Cutting;
    readonly resumeAt?: number;
  }): void {
    const isDatabase = result.isDatabase ? 0x100_0000 : 0;
    this.#header((result.cutting === undefined ? 0 : 3) | isDatabase, result.row !== undefined, result.live);
    if (result.row !== undefined) this.#raw(new Uint8Array(result.row.buffer, result.row.byteOffset, STAT_ROW_BYTES));
    this.#u32(result.parts.length / CONTENT_ROW_BYTES);
    this.#raw(result.parts);
    this.#u32(result.places.length);
    for (const place of result.places) this.#u32(place);
    this.#u32(result.holes.length);
    for (const [offset, length] of result.holes) {
      this.#f64(offset);
      this.#f64(length);
    }
    if (result.cutting === undefined) return;
    this.#u32(CUTTINGS.indexOf(result.cutting.kind));
    this.#u32(result.cutting.kind === 'content' ? 0 : result.cutting.pieceBytes);
    this.#f64(result.resumeAt ?? 0);
  }

  finish(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return bytes;
  }

  #header(outcome: number, changed: boolean, live: boolean): void {
    this.#u32(outcome | (changed ? 0x100 : 0) | (live ? 0x1_0000 : 0));
  }

  #u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  #f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  #raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#length + more, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

export class FileResultReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  next(): FileResult {
    const header = this.#u32();
    const outcome = OUTCOMES[header & 0xff] ?? 'failed';
    const live = (header & 0x1_0000) !== 0;
    if (outcome === 'gone' || outcome === 'in-use') return { outcome, errorCode: '', ...nothingRead, live };
    if (outcome === 'failed') return { outcome, errorCode: this.#text(), ...nothingRead };
    const changedRow = (header & 0x100) === 0 ? undefined : this.#row();
    const parts = this.#raw(this.#u32() * CONTENT_ROW_BYTES);
    const places = Array.from({ length: this.#u32() }, () => this.#u32());
    const holes = Array.from({ length: this.#u32() }, () => [this.#f64(), this.#f64()] as const);
    const cutting = outcome === 'segments' ? this.#cutting() : byContent;
    const resumeAt = outcome === 'segments' ? this.#f64() : 0;
    return {
      outcome,
      errorCode: '',
      changedRow,
      live,
      isDatabase: (header & 0x100_0000) !== 0,
      parts,
      places,
      holes,
      cutting,
      resumeAt,
    };
  }

  #cutting(): Cutting {
    const kind = CUTTINGS[this.#u32()] ?? 'content';
    const pieceBytes = this.#u32();
    return kind === 'content' ? byContent : { kind, pieceBytes };
  }

  #u32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  #f64(): number {
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8, true);
  }

  #text(): string {
    const length = this.#u32();
    const text = String.fromCharCode(...this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += Math.ceil(length / 4) * 4;
    return text;
  }

  #row(): Uint32Array {
    return Uint32Array.from({ length: STAT_ROW_WORDS }, () => this.#u32());
  }

  #raw(length: number): Uint8Array {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
