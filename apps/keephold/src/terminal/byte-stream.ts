/**
 * Standard output as a place for many small writes: gathers them, waits when the reader is slow, and ends quietly when
 * the reader has gone (EPIPE). It must never lose an error other than that one.
 */
import type { Writable } from 'node:stream';
import { OutputError } from '../errors.ts';

/** A write of more than this many bytes is passed on before it resolves. */
export const gatherBytes: number = 64 * 1024;

export class ByteStream {
  readonly #stream: Writable;
  readonly #gathered = new Uint8Array(gatherBytes);
  #length = 0;
  #closed = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => this.#stop(error));
    stream.on('drain', () => this.#wake?.());
  }

  /** True once nobody reads any more: there is no point in making more output. */
  get closed(): boolean {
    return this.#closed;
  }

  #stop(error: NodeJS.ErrnoException): void {
    this.#closed = true;
    if (error.code !== 'EPIPE') this.#failure ??= new OutputError(error);
    this.#wake?.();
  }

  /** Writes; the bytes may change once it has resolved. */
  async write(bytes: Uint8Array): Promise<void> {
    const wait = this.put(bytes);
    if (wait !== undefined) await wait;
  }

  /** Takes a copy of the pieces; answers a promise only when the caller must wait. For results of very many lines. */
  put(...pieces: readonly Uint8Array[]): Promise<void> | undefined {
    if (this.#closed) {
      this.#throwFailure();
      return undefined;
    }
    let length = 0;
    for (const piece of pieces) length += piece.length;
    if (this.#length + length > gatherBytes) return this.#putAfterFlush(pieces, length);
    this.#gather(pieces);
    return undefined;
  }

  /** Resolves when the system has taken everything. */
  async flush(): Promise<void> {
    if (this.#length > 0 && !this.#closed) {
      const bytes = this.#gathered.subarray(0, this.#length);
      this.#length = 0;
      await this.#send(bytes);
    }
    this.#throwFailure();
  }

  async #putAfterFlush(pieces: readonly Uint8Array[], length: number): Promise<void> {
    await this.flush();
    if (length <= gatherBytes) this.#gather(pieces);
    else for (const piece of pieces) if (!this.#closed) await this.#send(piece);
    this.#throwFailure();
  }

  #gather(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) {
      this.#gathered.set(piece, this.#length);
      this.#length += piece.length;
    }
  }

  async #send(bytes: Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#stream.write(bytes, () => resolve());
    });
    this.#wake = undefined;
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
