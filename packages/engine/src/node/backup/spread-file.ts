/**
 * A file too long for one turn of one worker. Small pieces go out in segments, to all workers at once; chunks that the
 * content decides follow one after the other, since each starts where the last one ended.
 */
import { concatBytes } from '@keephold/bytes';
import { contentRowsLength } from '../../node-encoding.ts';
import { sizeOf } from '../../source.ts';
import { segmentBytes } from './content-cutter.ts';
import { setFileSize } from './file-contents.ts';
import { type FileResult, nothingRead } from './file-results.ts';
import type { FileSegment } from './messages.ts';

export interface SpreadFileParts {
  /** Ends with NUL. */
  readonly path: Uint8Array;
  readonly stats: Uint32Array;
  /** Of its first turn. */
  readonly first: FileResult;
  readonly onResult: (result: FileResult) => void;
}

export class SpreadFile {
  readonly #parts: SpreadFileParts;
  readonly #size: number;
  readonly #results: (FileResult | undefined)[];
  #next: number;
  #inFlight = 0;
  #isGivenUp = false;

  constructor(parts: SpreadFileParts) {
    this.#parts = parts;
    this.#size = sizeOf(parts.stats, 0);
    this.#results = [parts.first];
    this.#next = parts.first.resumeAt;
  }

  /** Whether a worker could do something for it now. */
  get canGoOn(): boolean {
    if (this.#isGivenUp || this.#next >= this.#size) return false;
    return !this.isSequential || this.#inFlight === 0;
  }

  /** Whether each part can only begin when the one before it is done. */
  get isSequential(): boolean {
    return this.#parts.first.cutting.kind === 'content';
  }

  /** Whether nothing is left to be given out, now or later. */
  get isGivenOut(): boolean {
    return this.#isGivenUp || this.#next >= this.#size;
  }

  /** Whether a worker has some of it in hand: then more of it may be left over. */
  get isBusy(): boolean {
    return this.#inFlight > 0;
  }

  /** The next segment, and what to do with its result. */
  take(): { readonly segment: Omit<FileSegment, 'id'>; readonly done: (result: FileResult) => void } {
    const { path, stats, first } = this.#parts;
    const { cutting } = first;
    const from = this.#next;
    const to = Math.min(this.#size, from + segmentBytes(cutting));
    const place = this.#results.length;
    this.#results.push(undefined);
    this.#next = to;
    this.#inFlight++;
    return {
      segment: { kind: 'segment', path, stats, cutting, from, to },
      done: (result) => {
        this.#inFlight--;
        this.#results[place] = result;
        if (result.outcome === 'segments') this.#next = result.resumeAt;
        else if (result.outcome !== 'read') this.#isGivenUp = true;
        this.#finishIfDone();
      },
    };
  }

  /** Leaves out what was not given out yet, and with it the file. */
  giveUp(): void {
    if (this.isGivenOut && !this.isBusy) return;
    this.#isGivenUp = true;
    this.#results.push({ outcome: 'gone', errorCode: '', ...nothingRead });
    this.#finishIfDone();
  }

  /** For a file whose first turn turned out to be all of it. */
  finish(): void {
    this.#parts.onResult(this.#join());
  }

  #finishIfDone(): void {
    if (this.#inFlight === 0 && this.isGivenOut) this.finish();
  }

  /** One result: the worst of what happened to any part. */
  #join(): FileResult {
    const results = this.#results.filter((result) => result !== undefined);
    const bad = results.find(({ outcome }) => outcome === 'failed' || outcome === 'gone');
    if (bad !== undefined) return bad;
    const { first } = this.#parts;
    const live = results.some((result) => result.live);
    const parts = concatBytes(...results.map((result) => result.parts));
    const row = results.findLast((result) => result.changedRow !== undefined)?.changedRow?.slice();
    // What changed between its parts has the length of what was read of it.
    if (live && row !== undefined) setFileSize(row, contentRowsLength(parts));
    const places = new Set(results.flatMap((result) => result.places));
    return {
      ...first,
      outcome: 'read',
      changedRow: live ? row : first.changedRow,
      live,
      parts,
      places: [...places],
      holes: live ? [] : first.holes,
    };
  }
}
