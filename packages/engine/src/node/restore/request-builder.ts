/** Collects the rows of what is asked of one pack: frames, blobs, places, and the files they go to. */
import { frameRow } from '../../reading/blob-locations.ts';
import type { ContentPlaces, PackGroup } from './content-places.ts';
import { FILE_WORDS, FileRows, type FileTable, HANDLE_WORD, PLACES_WORD } from './file-rows.ts';
import { type PackRequest, PLACE_WORDS } from './pack-reading/pack-request.ts';
import type { SpanningFile } from './spanning-files.ts';
import type { WantedContent } from './wanted-content.ts';

/** Files of several parts that a worker has open at once in one pack; more are opened by the main thread. */
const MAX_OPEN_IN_WORKER = 48;

/** What was asked of one pack. */
export interface SliceRequest {
  readonly request: PackRequest;
  readonly files: FileTable;
  /** Slice numbers of the files and blobs in it, and of all places. */
  readonly fileNumbers: readonly number[];
  readonly blobNumbers: readonly number[];
  readonly placeNumbers: readonly number[];
}

export interface RequestBuilderOptions {
  readonly files: FileTable;
  readonly content: WantedContent;
  readonly places: ContentPlaces;
}

export class RequestBuilder {
  readonly #options: RequestBuilderOptions;
  readonly #group: PackGroup;
  readonly #files = new FileRows();
  readonly #rowOfFile = new Map<number, number>();
  /** Local files with parts still to come in this pack. */
  readonly #openLocal = new Map<number, number>();
  readonly #used = new Set<SpanningFile>();
  readonly #fileNumbers: number[] = [];
  readonly #blobNumbers: number[] = [];
  readonly #placeNumbers: number[] = [];
  readonly #frames: number[] = [];
  readonly #blobs: number[] = [];
  readonly #places: number[] = [];
  #lastFrame = -1;

  constructor(options: RequestBuilderOptions, group: PackGroup) {
    this.#options = options;
    this.#group = group;
  }

  hasLocal(file: number): boolean {
    return this.#rowOfFile.has(file);
  }

  /** Whether a worker may open one more file of several parts in this pack. */
  admitLocal(file: number, parts: number): boolean {
    if (parts === 1) return true;
    if (this.#openLocal.size >= MAX_OPEN_IN_WORKER) return false;
    this.#openLocal.set(file, parts);
    return true;
  }

  useHandle(file: number, open: SpanningFile): void {
    if (this.#used.has(open)) return;
    this.#used.add(open);
    open.inFlight++;
    // First the row: adding one may move all of them.
    const row = this.#rowOf(file);
    this.#files.rows[row * FILE_WORDS + HANDLE_WORD] = open.handle + 1;
  }

  addPlace(blob: number, place: number): void {
    const { content } = this.#options;
    const file = content.fileOf[place]!;
    const row = this.#rowOf(file);
    this.#files.rows[row * FILE_WORDS + PLACES_WORD]!++;
    if (this.#blobNumbers.at(-1) !== blob) this.#addBlob(blob);
    this.#blobs[this.#blobs.length - 1]!++;
    const offset = content.offsets[place]!;
    this.#places.push(
      row,
      offset >>> 0,
      Math.floor(offset / 0x1_0000_0000),
      content.from[place]!,
      content.lengths[place]!,
    );
    this.#placeNumbers.push(place);
    const left = this.#openLocal.get(file);
    if (left === 1) this.#openLocal.delete(file);
    else if (left !== undefined) this.#openLocal.set(file, left - 1);
  }

  finish(): SliceRequest | undefined {
    if (this.#blobNumbers.length === 0) return undefined;
    const { content } = this.#options;
    const ids = new Uint8Array(this.#blobNumbers.length * 32);
    this.#blobNumbers.forEach((blob, row) => ids.set(content.blobs.idAt(blob), row * 32));
    return {
      request: {
        frames: Uint32Array.from(this.#frames),
        blobs: Uint32Array.from(this.#blobs),
        ids,
        places: Uint32Array.from(this.#places),
      },
      files: this.#files.finish(),
      fileNumbers: this.#fileNumbers,
      blobNumbers: this.#blobNumbers,
      placeNumbers: this.#placeNumbers,
    };
  }

  #addBlob(blob: number): void {
    const { places, content } = this.#options;
    const frame = places.frame[blob]!;
    if (frame !== this.#lastFrame) this.#addFrame(frame);
    this.#frames[this.#frames.length - 1]!++;
    this.#blobs.push(places.offset[blob]!, content.blobLengths[blob]!, 1, this.#places.length / PLACE_WORDS, 0);
    this.#blobNumbers.push(blob);
  }

  #addFrame(frame: number): void {
    const row = frameRow(this.#group.pack, frame);
    this.#frames.push(row.offset, row.storedLength, row.rawLength, row.compressed ? 1 : 0, this.#blobNumbers.length, 0);
    this.#lastFrame = frame;
  }

  #rowOf(file: number): number {
    let row = this.#rowOfFile.get(file);
    if (row === undefined) {
      row = this.#files.copy(this.#options.files, file);
      this.#files.rows[row * FILE_WORDS + PLACES_WORD] = 0;
      this.#rowOfFile.set(file, row);
      this.#fileNumbers.push(file);
    }
    return row;
  }
}
