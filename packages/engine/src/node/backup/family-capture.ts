/**
 * Captures a database in use together with the files beside it. A copy holds all of it, so its log and journal are
 * stored empty: put back beside it they would be applied to it a second time, or to the wrong state. Without a copy all
 * are read as they lie: a true picture only if none of them changed since they were listed.
 */
import type { FileQueue } from './file-queue.ts';
import type { FileResult } from './file-results.ts';

export interface FamilyMember {
  readonly path: Uint8Array;
  readonly row: Uint32Array;
  readonly onRead: (result: FileResult) => void;
  /** Its content is in the copy of the database. */
  readonly onHeld: () => void;
}

export class FamilyCapture {
  readonly #base: number;
  readonly #companions: readonly number[];
  readonly #files: FileQueue;
  readonly #members = new Map<number, FamilyMember>();

  constructor(base: number, companions: readonly number[], files: FileQueue) {
    this.#base = base;
    this.#companions = companions;
    this.#files = files;
  }

  /** To be called for the database and each file beside it; the last one starts the capture. */
  add(index: number, member: FamilyMember): void {
    this.#members.set(index, member);
    if (this.#members.size <= this.#companions.length) return;
    const base = this.#members.get(this.#base)!;
    this.#files.addDatabase(base.path, base.row, (result) => {
      base.onRead(result.isCopy === true ? result : asOneOf(result));
      for (const companion of this.#companions.map((i) => this.#members.get(i)!)) {
        if (result.isCopy === true) companion.onHeld();
        else this.#files.addAsItLies(companion.path, companion.row, (read) => companion.onRead(asOneOf(read)));
      }
    });
  }
}

/** A change since the listing tears it from the others. */
function asOneOf(result: FileResult): FileResult {
  return result.changedRow === undefined ? result : { ...result, live: true };
}
