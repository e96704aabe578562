/**
 * Pack areas in one piece of shared memory. Workers take an area and wait when all are in use; the main thread gives
 * it back when the pack is stored. This is what bounds the memory of a backup.
 */
import { packAreaBytes } from './pack-builder.ts';

const MACHINE_PAGE = 4096;
const WASM_PAGE = 65_536;

const FREE = 0;
const TAKEN = 1;
/** Not in use so far: its memory is not touched. */
const CLOSED = 2;

// In `states`.
const RELEASES = 0;
const WAITED = 1;
const MISSED = 2;
const FIRST = 3;

export interface SharedAreaPool {
  readonly memory: SharedArrayBuffer;
  /** Releases, to wait on; microseconds that workers waited; how often none was free; then one state per area. */
  readonly states: SharedArrayBuffer;
  readonly areaBytes: number;
}

/** `open` areas to begin with, `most` at the end. */
export function createSharedAreaPool({ open, most }: { readonly open: number; readonly most: number }): SharedAreaPool {
  const areaBytes = Math.ceil(packAreaBytes(1) / MACHINE_PAGE) * MACHINE_PAGE;
  const states = new SharedArrayBuffer(4 * (FIRST + most));
  new Int32Array(states).fill(CLOSED, FIRST + open);
  return { memory: alignedMemory(most * areaBytes), states, areaBytes };
}

/**
 * Shared memory that starts on a page of the machine's memory, as areas then do: disks take packs straight from there.
 * WebAssembly's does, an array buffer's starts anywhere.
 */
function alignedMemory(bytes: number): SharedArrayBuffer {
  const pages = Math.ceil(bytes / WASM_PAGE);
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  if (buffer instanceof SharedArrayBuffer) return buffer;
  throw new TypeError('allocate pack areas: WebAssembly memory is not shared');
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

  /** How often an area was asked for and none was free. */
  get missed(): number {
    return Atomics.load(this.#states, MISSED);
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
    Atomics.add(this.#states, MISSED, 1);
    return undefined;
  }

  release(index: number): void {
    Atomics.store(this.#states, FIRST + index, FREE);
    Atomics.add(this.#states, RELEASES, 1);
    Atomics.notify(this.#states, RELEASES);
  }
}
