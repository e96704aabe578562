/** Keeps the byte arrays used last, up to a number of bytes. */
export class ByteCache {
  readonly #limit: number;
  /** In order of last use. */
  readonly #entries = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): Uint8Array | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  /** What is larger than the whole cache is not kept. */
  set(key: string, entry: Uint8Array): void {
    this.delete(key);
    if (entry.length > this.#limit) return;
    this.#entries.set(key, entry);
    this.#bytes += entry.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#limit) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#bytes -= this.#entries.get(key)?.length ?? 0;
    this.#entries.delete(key);
  }
}
