/**
 * Writes the files of one request in a worker thread. A file that is whole in this request is made, written and
 * finished here; one that spans packs is open in the main thread, which made it and will finish it, and only gets its
 * bytes here.
 */
import { writeSync } from 'node:fs';
import type { MetadataProblem, Target } from '../../target.ts';
import { createPlanned } from './create-planned.ts';
import {
  FILE_WORDS,
  FileOption,
  type FileTable,
  HANDLE_WORD,
  hasOption,
  metadataOf,
  PLACES_WORD,
  pathOf,
} from './file-rows.ts';
import { failureOf, type ItemFailure } from './item-failure.ts';
import type { Pieces } from './pack-reading/frame-reader.ts';
import type { BlobSink } from './pack-reading/pack-request.ts';

/** What became of a file in this request. */
export const FileState = { done: 0, failed: 1, spoiled: 2 } as const;

export interface WrittenFiles {
  /** FileState of each file of the table. */
  readonly states: Uint8Array;
  readonly failures: readonly (ItemFailure & { readonly file: number })[];
  readonly problems: readonly { readonly file: number; readonly problems: readonly MetadataProblem[] }[];
}

const CLOSED = -1;

export class FileWriter implements BlobSink {
  readonly #target: Target;
  readonly #table: FileTable;
  readonly #states: Uint8Array;
  /** Places still to come, of each file. */
  readonly #left: Uint32Array;
  readonly #handles: Int32Array;
  readonly #failures: (ItemFailure & { readonly file: number })[] = [];
  readonly #problems: { readonly file: number; readonly problems: readonly MetadataProblem[] }[] = [];

  constructor(target: Target, table: FileTable) {
    this.#target = target;
    this.#table = table;
    this.#states = new Uint8Array(table.count);
    this.#left = new Uint32Array(table.count);
    this.#handles = new Int32Array(table.count).fill(CLOSED);
    for (let file = 0; file < table.count; file++) this.#left[file] = table.rows[file * FILE_WORDS + PLACES_WORD]!;
  }

  put(file: number, offset: number, bytes: Pieces): void {
    if (this.#states[file] !== FileState.done) return;
    try {
      const spanning = this.#table.rows[file * FILE_WORDS + HANDLE_WORD]!;
      let at = offset;
      for (const piece of bytes) {
        if (spanning !== 0) writeFully(spanning - 1, piece, at);
        else this.#target.writeAt(this.#openFile(file), piece, at);
        at += piece.length;
      }
      if (spanning !== 0) return;
      if (--this.#left[file]! === 0) this.#finish(file);
    } catch (cause) {
      this.#fail(file, cause);
    }
  }

  spoil(file: number): void {
    // The main thread learns it from the bad blobs and knows what of a spanning file is still to come.
    if (this.#states[file] !== FileState.done || this.#isSpanning(file)) return;
    this.#states[file] = FileState.spoiled;
    this.#abandon(file);
  }

  /** Makes the files without content and sets metadata where only that is wanted. */
  finishEmpty(): void {
    const { rows, count } = this.#table;
    for (let file = 0; file < count; file++) {
      if (
        this.#left[file] !== 0 ||
        this.#states[file] !== FileState.done ||
        rows[file * FILE_WORDS + PLACES_WORD] !== 0
      )
        continue;
      try {
        if (hasOption(this.#table, file, FileOption.metadataOnly)) this.#applyMetadata(file);
        else {
          this.#openFile(file);
          this.#finish(file);
        }
      } catch (cause) {
        this.#fail(file, cause);
      }
    }
  }

  result(): WrittenFiles {
    return { states: this.#states, failures: this.#failures, problems: this.#problems };
  }

  #isSpanning(file: number): boolean {
    return this.#table.rows[file * FILE_WORDS + HANDLE_WORD] !== 0;
  }

  #openFile(file: number): number {
    const open = this.#handles[file]!;
    if (open !== CLOSED) return open;
    const handle = createPlanned(this.#target, this.#table, file, hasOption(this.#table, file, FileOption.beside));
    this.#handles[file] = handle;
    return handle;
  }

  #finish(file: number): void {
    const handle = this.#handles[file]!;
    // The target closes it, also when it throws.
    this.#handles[file] = CLOSED;
    this.#report(file, this.#target.finishFile(handle, metadataOf(this.#table, file)));
  }

  #applyMetadata(file: number): void {
    this.#report(file, this.#target.applyMetadata(pathOf(this.#table, file), metadataOf(this.#table, file)));
  }

  #report(file: number, problems: readonly MetadataProblem[]): void {
    if (problems.length > 0) this.#problems.push({ file, problems });
  }

  #fail(file: number, cause: unknown): void {
    this.#states[file] = FileState.failed;
    this.#failures.push({ file, ...failureOf(cause) });
    this.#abandon(file);
  }

  #abandon(file: number): void {
    const handle = this.#handles[file]!;
    if (handle === CLOSED) return;
    this.#handles[file] = CLOSED;
    this.#target.abandonFile(handle);
  }
}

function writeFully(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
}
