/**
 * Cuts many small byte arrays out of few large ones. A backup makes a handful for every file; as buffers of their own
 * they would cost more in bookkeeping and collection than in bytes.
 */
const SLAB_BYTES: number = 128 * 1024;
const LARGEST_SHARED: number = SLAB_BYTES / 8;

export class ByteSlab {
  #slab = new Uint8Array(SLAB_BYTES);
  #used = 0;

  /** A new array of `length` bytes, zero. It shares memory with others: never transfer it. */
  take(length: number): Uint8Array {
    if (length > LARGEST_SHARED) return new Uint8Array(length);
    if (this.#used + length > SLAB_BYTES) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const bytes = this.#slab.subarray(this.#used, this.#used + length);
    this.#used += length;
    return bytes;
  }

  copy(bytes: Uint8Array): Uint8Array {
    const copy = this.take(bytes.length);
    copy.set(bytes);
    return copy;
  }
}
