/**
 * Files whose parts come from several packs. They are made and finished here, by the main thread's target, and filled
 * by the workers through their handle: handles are the process's, so any thread can write at any offset. Only so many
 * are open at once; the rest wait for a later pass.
 */
import type { MetadataProblem, Target } from '../../target.ts';
import { createPlanned } from './create-planned.ts';
import { type FileTable, metadataOf } from './file-rows.ts';
import { failureOf, type ItemFailure } from './item-failure.ts';

/** With 128 directory handles in each of three targets this stays below the usual limit of 1,024 handles. */
const MAX_OPEN = 384;

export interface SpanningFile {
  readonly handle: number;
  /** Requests that are with a worker: the handle must not be closed before they are back. */
  inFlight: number;
  /** Set when it cannot be finished any more. */
  failure: ItemFailure | undefined;
}

export class SpanningFiles {
  readonly #target: Target;
  readonly #open = new Set<SpanningFile>();

  constructor(target: Target) {
    this.#target = target;
  }

  get isFull(): boolean {
    return this.#open.size >= MAX_OPEN;
  }

  /** Makes the file under a temporary name. @throws what the target says */
  open(table: FileTable, number: number): SpanningFile {
    const handle = createPlanned(this.#target, table, number, true);
    const file: SpanningFile = { handle, inFlight: 0, failure: undefined };
    this.#open.add(file);
    return file;
  }

  /** All content is there. */
  finish(file: SpanningFile, table: FileTable, number: number): readonly MetadataProblem[] | ItemFailure {
    this.#open.delete(file);
    try {
      return this.#target.finishFile(file.handle, metadataOf(table, number));
    } catch (cause) {
      return failureOf(cause);
    }
  }

  /** Gives the file up as soon as no worker writes to it. */
  fail(file: SpanningFile, failure: ItemFailure): void {
    file.failure ??= failure;
    if (file.inFlight === 0) this.#abandon(file);
  }

  /** A request with this file came back. */
  returned(file: SpanningFile): void {
    file.inFlight--;
    if (file.failure !== undefined && file.inFlight === 0) this.#abandon(file);
  }

  /** Gives up everything that is not finished; no worker may be at work any more. */
  abandonAll(): void {
    for (const file of this.#open) this.#abandon(file);
  }

  #abandon(file: SpanningFile): void {
    if (this.#open.delete(file)) this.#target.abandonFile(file.handle);
  }
}
