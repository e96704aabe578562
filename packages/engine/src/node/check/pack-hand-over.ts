/**
 * Hands packs from the pass over the index to those who read them, so that reading begins with the first index object.
 * Only so many rows wait in memory: what does not fit is refused, and read in a second pass over the index.
 */
import type { IndexedPack } from '../../index-object.ts';

/** Frame and blob rows that may wait: those of 170,000 blobs. */
const MAX_WAITING_BYTES: number = 8 * 1024 * 1024;

export interface NumberedPack {
  readonly pack: IndexedPack;
  readonly number: number;
}

export class PackHandOver implements AsyncIterable<NumberedPack> {
  readonly #waiting: NumberedPack[] = [];
  #waitingBytes = 0;
  #isClosed = false;
  #wake: (() => void) | undefined;

  /** Answers whether it was taken. */
  offer(pack: NumberedPack): boolean {
    if (this.#waitingBytes > MAX_WAITING_BYTES) return false;
    this.#waiting.push(pack);
    this.#waitingBytes += rowBytes(pack);
    this.#wake?.();
    return true;
  }

  /** No more will come. */
  close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<NumberedPack> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        this.#waitingBytes -= rowBytes(next);
        yield next;
      } else if (this.#isClosed) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

function rowBytes({ pack }: NumberedPack): number {
  return pack.contents.frames.length + pack.contents.blobs.length;
}
