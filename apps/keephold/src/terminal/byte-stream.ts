/**
 * Standard output as a place for many small writes: gathers them, waits when the reader is slow, and ends quietly when
 * the reader has gone (EPIPE). It must never lose an error other than that one.
 */
import type { Writable } from 'node:stream';

/** A write of this many bytes or more is passed on before it resolves. */
export const gatherBytes: number = 64 * 1024;

export class ByteStream {
  readonly #stream: Writable;
  #parts: Uint8Array[] = [];
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
    if (error.code !== 'EPIPE') this.#failure ??= error;
    this.#wake?.();
  }

  /** Keeps the bytes (they must not change) and resolves when more may be written. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) return this.#throwFailure();
    this.#parts.push(bytes);
    this.#length += bytes.length;
    if (this.#length >= gatherBytes) await this.flush();
  }

  /** Resolves when the system has taken everything. */
  async flush(): Promise<void> {
    if (this.#length > 0 && !this.#closed) {
      const bytes = this.#parts.length === 1 ? (this.#parts[0] as Uint8Array) : Buffer.concat(this.#parts);
      this.#parts = [];
      this.#length = 0;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#stream.write(bytes, () => resolve());
      });
      this.#wake = undefined;
    }
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
