/**
 * The memory that packs pass through, whoever sends or fetches them: so many buffers of one pack, made when first needed
 * and used again. Who finds none waits; who would wait behind too many others is sent away.
 */
import { LARGEST_OBJECT } from '@keephold/protocol/http';
import { ServerError } from '../errors.ts';

/** What of it is needed; Node's types leave it out. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
};

const MOST_WAITING = 512;
const WASM_PAGE = 65_536;
/** Packs and objects, whichever is longer. */
export const BUFFER_LENGTH: number = LARGEST_OBJECT + 1_048_576;

export class PackBuffers {
  readonly #free: Uint8Array[] = [];
  readonly #waiting: ((buffer: Uint8Array) => void)[] = [];
  #toMake: number;
  #inUse = 0;

  constructor(count: number) {
    this.#toMake = count;
  }

  /** Of packs that are on their way. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Who waits for memory. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** @throws ServerError 'busy' */
  async take(): Promise<Uint8Array> {
    const buffer = await this.#next();
    this.#inUse++;
    return buffer;
  }

  async #next(): Promise<Uint8Array> {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#toMake > 0) {
      this.#toMake--;
      return pageAligned(BUFFER_LENGTH);
    }
    if (this.#waiting.length >= MOST_WAITING) throw new ServerError('busy', 'too many transfers at once');
    return await new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  give(buffer: Uint8Array): void {
    this.#inUse--;
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(buffer);
    else next(buffer);
  }
}

/** Memory of WebAssembly starts on a page of the machine: disks take packs from there past the page cache. */
function pageAligned(length: number): Uint8Array {
  const { buffer } = new WebAssembly.Memory({ initial: Math.ceil(length / WASM_PAGE) });
  return new Uint8Array(buffer, 0, length);
}
