/**
 * The memory that packs pass through, whoever sends or fetches them: so many buffers of one pack, made when first needed
 * and used again. Who finds none waits; who would wait behind too many others is sent away. No account has all of them:
 * two are left to the others, however slowly it sends.
 */
import { LARGEST_OBJECT } from '@keephold/protocol/http';
import { ServerError } from '../errors.ts';

/** What of it is needed; Node's types leave it out. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
};

const MOST_WAITING = 512;
/** Of one account. */
const MOST_WAITING_OF_ONE = 256;
const LEFT_TO_OTHERS = 2;
const WASM_PAGE = 65_536;
/** Packs and objects, whichever is longer. */
export const BUFFER_LENGTH: number = LARGEST_OBJECT + 1_048_576;

interface Waiting {
  readonly holder: string;
  readonly resolve: (buffer: Uint8Array) => void;
}

export class PackBuffers {
  readonly #free: Uint8Array[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #held = new Map<string, number>();
  /** Of one account. */
  readonly #share: number;
  #toMake: number;

  constructor(count: number) {
    this.#toMake = count;
    this.#share = Math.max(1, count - LEFT_TO_OTHERS);
  }

  /** Of packs that are on their way. */
  get inUse(): number {
    return [...this.#held.values()].reduce((sum, held) => sum + held, 0);
  }

  /** Who waits for memory. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** `holder` names the account. @throws ServerError 'busy' */
  async take(holder: string): Promise<Uint8Array> {
    const buffer = this.#mayHold(holder) ? this.#next() : undefined;
    if (buffer === undefined) return await this.#wait(holder);
    this.#count(holder, 1);
    return buffer;
  }

  give(buffer: Uint8Array, holder: string): void {
    this.#count(holder, -1);
    const index = this.#waiting.findIndex((waiting) => this.#mayHold(waiting.holder));
    const [next] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (next === undefined) {
      this.#free.push(buffer);
      return;
    }
    this.#count(next.holder, 1);
    next.resolve(buffer);
  }

  #next(): Uint8Array | undefined {
    const free = this.#free.pop();
    if (free !== undefined || this.#toMake === 0) return free;
    this.#toMake--;
    return pageAligned(BUFFER_LENGTH);
  }

  async #wait(holder: string): Promise<Uint8Array> {
    const own = this.#waiting.filter((waiting) => waiting.holder === holder).length;
    if (this.#waiting.length >= MOST_WAITING || own >= MOST_WAITING_OF_ONE) {
      throw new ServerError('busy', 'too many transfers at once');
    }
    return await new Promise((resolve) => {
      this.#waiting.push({ holder, resolve });
    });
  }

  #mayHold(holder: string): boolean {
    return (this.#held.get(holder) ?? 0) < this.#share;
  }

  #count(holder: string, by: 1 | -1): void {
    const held = (this.#held.get(holder) ?? 0) + by;
    if (held === 0) this.#held.delete(holder);
    else this.#held.set(holder, held);
  }
}

/** Memory of WebAssembly starts on a page of the machine: disks take packs from there past the page cache. */
function pageAligned(length: number): Uint8Array {
  const { buffer } = new WebAssembly.Memory({ initial: Math.ceil(length / WASM_PAGE) });
  return new Uint8Array(buffer, 0, length);
}
