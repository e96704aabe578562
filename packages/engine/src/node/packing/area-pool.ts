/**
 * Pack areas in one piece of shared memory. Workers take an area and wait when all are in use; the main thread gives
 * it back when the pack is stored. This is what bounds the memory of a backup.
 */
import { packAreaBytes } from './pack-builder.ts';

const FREE = 0;
const TAKEN = 1;

export interface SharedAreaPool {
  readonly memory: SharedArrayBuffer;
  /** [0] counts releases, to wait on; then one state per area. */
  readonly states: SharedArrayBuffer;
  readonly areaBytes: number;
}

export function createSharedAreaPool(areas: number): SharedAreaPool {
  // Areas start on a page of the machine's memory.
  const areaBytes = Math.ceil(packAreaBytes(1) / 4096) * 4096;
  return {
    memory: new SharedArrayBuffer(areas * areaBytes),
    states: new SharedArrayBuffer(4 * (areas + 1)),
    areaBytes,
  };
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

  /** Takes a free area; blocks the calling worker until there is one. */
  take(): Uint8Array {
    for (;;) {
      const releases = Atomics.load(this.#states, 0);
      const taken = this.tryTake();
      if (taken !== undefined) return taken;
      Atomics.wait(this.#states, 0, releases);
    }
  }

  tryTake(): Uint8Array | undefined {
    for (let i = 1; i < this.#states.length; i++) {
      if (Atomics.compareExchange(this.#states, i, FREE, TAKEN) === FREE) return this.area(i - 1);
    }
    return undefined;
  }

  release(index: number): void {
    Atomics.store(this.#states, index + 1, FREE);
    Atomics.add(this.#states, 0, 1);
    Atomics.notify(this.#states, 0);
  }
}
