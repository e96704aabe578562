/**
 * Many 32-byte ids in little memory, each with a number from 0 in the order it was added: about 45 bytes an id, where a
 * Map of strings takes several times that. Callers keep what belongs to an id in arrays of their own.
 */
const ID_BYTES = 32;
const SMALLEST = 64;

export class IdTable {
  #ids = new Uint8Array(SMALLEST * ID_BYTES);
  /** Number + 1 by hash, open addressing; at most half full. */
  #slots = new Uint32Array(SMALLEST * 2);
  #size = 0;

  /** Ids held. */
  get size(): number {
    return this.#size;
  }

  /** Number of the id whose 32 bytes stand at `at` of `bytes`; −1 when it is not held. */
  find(bytes: Uint8Array, at: number = 0): number {
    return (this.#slots[this.#slotOf(bytes, at)] as number) - 1;
  }

  has(id: Uint8Array): boolean {
    return this.find(id) >= 0;
  }

  /** Number of the id, which is added when it is new. */
  add(bytes: Uint8Array, at: number = 0): number {
    if (bytes.length < at + ID_BYTES) throw new RangeError(`add id: ${bytes.length - at} bytes`);
    const found = this.find(bytes, at);
    if (found >= 0) return found;
    if ((this.#size + 1) * 2 > this.#slots.length) this.#grow();
    const number = this.#size++;
    for (let i = 0; i < ID_BYTES; i++) this.#ids[number * ID_BYTES + i] = bytes[at + i] as number;
    this.#slots[this.#slotOf(bytes, at)] = number + 1;
    return number;
  }

  /** The id with this number, as a view. */
  idAt(number: number): Uint8Array {
    return this.#ids.subarray(number * ID_BYTES, (number + 1) * ID_BYTES);
  }

  /** The slot that holds the id, or the free one where it would stand. Ids are hashes: any four bytes are one. */
  #slotOf(bytes: Uint8Array, at: number): number {
    const mask = this.#slots.length - 1;
    const hash =
      (bytes[at + 4] as number) |
      ((bytes[at + 5] as number) << 8) |
      ((bytes[at + 6] as number) << 16) |
      ((bytes[at + 7] as number) << 24);
    let slot = hash & mask;
    for (;;) {
      const number = this.#slots[slot] as number;
      if (number === 0 || this.#equals(number - 1, bytes, at)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #equals(number: number, bytes: Uint8Array, at: number): boolean {
    const start = number * ID_BYTES;
    for (let i = 0; i < ID_BYTES; i++) if (this.#ids[start + i] !== bytes[at + i]) return false;
    return true;
  }

  #grow(): void {
    const ids = new Uint8Array(this.#ids.length * 2);
    ids.set(this.#ids);
    this.#ids = ids;
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let number = 0; number < this.#size; number++) {
      this.#slots[this.#slotOf(ids, number * ID_BYTES)] = number + 1;
    }
  }
}
