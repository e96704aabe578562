/**
 * Pack areas in one piece of shared memory. Workers take an area and wait when all are in use; the main thread gives
 * it back when the pack is stored. This is what bounds the memory of a backup.
 */
import { packAreaBytes } from './pack-builder.ts';

const FREE = 0;
const TAKEN = 1;
/** Not in use so far: its memory is not touched. */
const CLOSED = 2;

// In `states`.
const RELEASES = 0;
const WAITED = 1;
const FIRST = 2;

export interface SharedAreaPool {
  readonly memory: SharedArrayBuffer;
  /** Releases, to wait on; microseconds that workers waited; then one state per area. */
  readonly states: SharedArrayBuffer;
  readonly areaBytes: number;
}

/** `open` areas to begin with, `most` at the end. */
export function createSharedAreaPool({ open, most }: { readonly open: number; readonly most: number }): SharedAreaPool {
  // Areas start on a page of the machine's memory.
  const areaBytes = Math.ceil(packAreaBytes(1) / 4096) * 4096;
  const states = new SharedArrayBuffer(4 * (FIRST + most));
  new Int32Array(states).fill(CLOSED, FIRST + open);
  return { memory: new SharedArrayBuffer(most * areaBytes), states, areaBytes };
}

export class AreaPool {
  readonly #shared: SharedAreaPool;
  readonly #states: Int32Array;

  constructor(shared: SharedAreaPool) {
    this.#shared = shared;
    this.#states = new Int32Array(shared.states);
  }

  area(index: number): Uint8Array {
    return new Uint8Array(this.#shared.memory, index * this.#shared.areaBytes, packAreaBytes(1));
  }

  indexOf(area: Uint8Array): number {
    return area.byteOffset / this.#shared.areaBytes;
  }

  /** Milliseconds that all workers together waited for areas so far. */
  get waitedMs(): number {
    return Atomics.load(this.#states, WAITED) / 1000;
  }

  /** Adds an area to those in use, if there is one more. */
  open(): void {
    const closed = this.#states.indexOf(CLOSED, FIRST);
    if (closed !== -1) this.release(closed - FIRST);
  }

  /** Takes a free area; blocks the calling worker until there is one. */
  take(): Uint8Array {
    for (;;) {
      const releases = Atomics.load(this.#states, RELEASES);
      const taken = this.tryTake();
      if (taken !== undefined) return taken;
      const from = performance.now();
      Atomics.wait(this.#states, RELEASES, releases);
      Atomics.add(this.#states, WAITED, Math.round((performance.now() - from) * 1000));
    }
  }

  tryTake(): Uint8Array | undefined {
    for (let i = FIRST; i < this.#states.length; i++) {
      if (Atomics.compareExchange(this.#states, i, FREE, TAKEN) === FREE) return this.area(i - FIRST);
    }
    return undefined;
  }

  release(index: number): void {
    Atomics.store(this.#states, FIRST + index, FREE);
    Atomics.add(this.#states, RELEASES, 1);
    Atomics.notify(this.#states, RELEASES);
  }
}
