/**
 * Progress of the content of one slice: which places are written, which files are done. Builds the request for each
 * pack from what is still wanted, and takes in what came of it.
 */

import type { MetadataProblem } from '../../target.ts';
import type { ContentPlaces, PackGroup } from './content-places.ts';
import type { FileTable } from './file-rows.ts';
import { FileState } from './file-writer.ts';
import { failureOf, type ItemFailure } from './item-failure.ts';
import type { WrittenPack } from './pack-reading/read-messages.ts';
import { RequestBuilder, type SliceRequest } from './request-builder.ts';
import type { SpanningFile, SpanningFiles } from './spanning-files.ts';
import type { WantedContent } from './wanted-content.ts';

export type FileEnd = { readonly problems: readonly MetadataProblem[] } | { readonly failure: ItemFailure };

export interface SliceContentOptions {
  readonly files: FileTable;
  readonly content: WantedContent;
  readonly places: ContentPlaces;
  readonly spanning: SpanningFiles;
  /** A file that goes on in the next slice: it is not finished here. */
  readonly continued: number | undefined;
  /** A file that was begun in the slice before. */
  readonly carried: { readonly file: number; readonly open: SpanningFile } | undefined;
  readonly onFile: (file: number, end: FileEnd) => void;
}

export class SliceContent {
  readonly #options: SliceContentOptions;
  /** 1: written. */
  readonly #written: Uint8Array;
  /** Places not yet written of each file. */
  readonly #left: Uint32Array;
  /** 1: nothing more is to be done for it. */
  readonly #ended: Uint8Array;
  /** Places of each blob, chained: first + 1 by blob, next + 1 by place. */
  readonly #first: Uint32Array;
  readonly #next: Uint32Array;
  readonly #open = new Map<number, SpanningFile>();
  readonly #deferred = new Set<number>();
  readonly #badBlobs = new Map<number, string>();

  constructor(options: SliceContentOptions) {
    this.#options = options;
    const { files, content, carried } = options;
    this.#written = new Uint8Array(content.count);
    this.#left = new Uint32Array(files.count);
    this.#ended = new Uint8Array(files.count);
    this.#first = new Uint32Array(content.blobs.size);
    this.#next = new Uint32Array(content.count);
    for (let place = content.count - 1; place >= 0; place--) {
      const blob = content.blobOf[place]!;
      this.#next[place] = this.#first[blob]!;
      this.#first[blob] = place + 1;
      this.#left[content.fileOf[place]!]!++;
    }
    // Files without content here are somebody else's: those of no size, and links.
    for (let file = 0; file < files.count; file++) if (this.#left[file] === 0) this.#ended[file] = 1;
    if (carried !== undefined) this.#takeCarried(carried);
  }

  /** A file that began in the slice before; what is left of it may be holes alone. */
  #takeCarried({ file, open }: { readonly file: number; readonly open: SpanningFile }): void {
    this.#open.set(file, open);
    this.#ended[file] = open.failure === undefined ? 0 : 1;
    if (this.#ended[file] === 1 || this.#left[file] !== 0 || file === this.#options.continued) return;
    const end = this.#options.spanning.finish(open, this.#options.files, file);
    this.#end(file, 'reason' in end ? { failure: end } : { problems: end });
  }

  /** The open file that goes on in the next slice. */
  get continuedFile(): SpanningFile | undefined {
    const { continued } = this.#options;
    return continued === undefined ? undefined : this.#open.get(continued);
  }

  /** A file whose plan turned out broken. */
  breakFile(file: number, failure: ItemFailure): void {
    if (this.#open.get(file)?.failure === undefined) this.#ended[file] = 0;
    this.#fail(file, failure);
  }

  /** Begins a pass over the packs: files that had to wait have their turn. Answers the packs that are wanted. */
  nextPass(): PackGroup[] {
    this.#deferred.clear();
    this.#turnToNextPlaces();
    return this.#options.places.groups((blob) => this.#hasWish(blob));
  }

  /** What to ask of a pack; undefined when nothing is wanted any more. Opens the spanning files in it. */
  request(group: PackGroup): SliceRequest | undefined {
    const builder = new RequestBuilder(this.#options, group);
    for (const blob of group.blobs) {
      for (let place = this.#first[blob]!; place !== 0; place = this.#next[place - 1]!) {
        const number = place - 1;
        if (this.#isWanted(number) && this.#admit(number, builder)) builder.addPlace(blob, number);
      }
    }
    return builder.finish();
  }

  /** Takes in what a worker made of a request. */
  apply(asked: SliceRequest, result: WrittenPack, packName: string): void {
    const bad = new Set(result.bad.map((row) => asked.blobNumbers[row]!));
    this.#noteBad(bad, `damaged in pack ${packName}`);
    const failures = new Map(result.failures.map((failure) => [failure.file, failure]));
    const problems = new Map(result.problems.map((entry) => [entry.file, entry.problems]));
    for (const place of asked.placeNumbers) this.#notePlace(place, bad);
    asked.fileNumbers.forEach((file, row) => {
      const failure = failures.get(row);
      const open = this.#open.get(file);
      if (open !== undefined) this.#settleSpanning(file, open, failure);
      else if (failure !== undefined) this.#fail(file, failure);
      else if (result.states[row] === FileState.done) this.#end(file, { problems: problems.get(row) ?? [] });
      else this.#reset(file);
    });
  }

  /** The pack could not be read at all. */
  applyUnreadable(asked: SliceRequest, reason: string): void {
    this.#noteBad(new Set(asked.blobNumbers), reason);
    for (const file of asked.fileNumbers) {
      const open = this.#open.get(file);
      if (open !== undefined) this.#settleSpanning(file, open, undefined);
    }
  }

  #hasWish(blob: number): boolean {
    for (let place = this.#first[blob]!; place !== 0; place = this.#next[place - 1]!)
      if (this.#isWanted(place - 1)) return true;
    return false;
  }

  #isWanted(place: number): boolean {
    const file = this.#options.content.fileOf[place]!;
    return this.#written[place] === 0 && this.#ended[file] === 0 && !this.#deferred.has(file);
  }

  /** Whether the file of a place can be written now; opens it when it spans packs. */
  #admit(place: number, builder: RequestBuilder): boolean {
    const file = this.#options.content.fileOf[place]!;
    const open = this.#open.get(file);
    if (open !== undefined) {
      builder.useHandle(file, open);
      return true;
    }
    if (builder.hasLocal(file) || (!this.#spans(file) && builder.admitLocal(file, this.#left[file]!))) return true;
    if (this.#options.spanning.isFull) {
      this.#deferred.add(file);
      return false;
    }
    return this.#openSpanning(file, builder);
  }

  #openSpanning(file: number, builder: RequestBuilder): boolean {
    try {
      const opened = this.#options.spanning.open(this.#options.files, file);
      this.#open.set(file, opened);
      builder.useHandle(file, opened);
      return true;
    } catch (cause) {
      this.#fail(file, failureOf(cause));
      return false;
    }
  }

  #spans(file: number): boolean {
    const { content, places, continued } = this.#options;
    if (file === continued) return true;
    const first = content.firstPlaceOf(file);
    const end = content.firstPlaceOf(file + 1);
    const pack = places.pack[content.blobOf[first]!];
    for (let place = first + 1; place < end; place++) if (places.pack[content.blobOf[place]!] !== pack) return true;
    return false;
  }

  #noteBad(blobs: ReadonlySet<number>, reason: string): void {
    for (const blob of blobs) this.#badBlobs.set(blob, reason);
  }

  /** After a pass: blobs that failed are looked for elsewhere, and files that have none left are given up. */
  #turnToNextPlaces(): void {
    const { places, content } = this.#options;
    for (const [blob, reason] of this.#badBlobs) if (this.#hasWish(blob)) places.nextPlace(blob, reason);
    this.#badBlobs.clear();
    for (let place = 0; place < content.count; place++) {
      if (!this.#isWanted(place)) continue;
      const blob = content.blobOf[place]!;
      if (places.pack[blob] === 0)
        this.#fail(content.fileOf[place]!, { code: 'damaged', reason: places.reasonOf(blob) });
    }
  }

  #notePlace(place: number, bad: ReadonlySet<number>): void {
    const file = this.#options.content.fileOf[place]!;
    if (this.#written[place] !== 0 || bad.has(this.#options.content.blobOf[place]!)) return;
    this.#written[place] = 1;
    this.#left[file]!--;
  }

  #settleSpanning(file: number, open: SpanningFile, failure: ItemFailure | undefined): void {
    const { spanning, files, continued } = this.#options;
    spanning.returned(open);
    if (this.#ended[file] === 1) return;
    if (failure !== undefined) {
      this.#fail(file, failure);
      return;
    }
    if (this.#left[file] !== 0 || file === continued) return;
    const end = spanning.finish(open, files, file);
    this.#end(file, 'reason' in end ? { failure: end } : { problems: end });
  }

  /** A file that a worker had alone and gave up: all of it is wanted again. */
  #reset(file: number): void {
    const { content } = this.#options;
    for (let place = content.firstPlaceOf(file); place < content.firstPlaceOf(file + 1); place++) {
      if (this.#written[place] === 0) continue;
      this.#written[place] = 0;
      this.#left[file]!++;
    }
  }

  #fail(file: number, failure: ItemFailure): void {
    const open = this.#open.get(file);
    if (open !== undefined) this.#options.spanning.fail(open, failure);
    this.#end(file, { failure });
  }

  #end(file: number, end: FileEnd): void {
    if (this.#ended[file] === 1) return;
    this.#ended[file] = 1;
    this.#options.onFile(file, end);
  }
}
