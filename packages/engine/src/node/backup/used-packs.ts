/** The set of pack numbers a snapshot needs, as bits. */
export class UsedPacks {
  #bits = new Uint8Array(1024);

  add(pack: number): void {
    const byte = pack >> 3;
    if (byte >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(byte + 1, this.#bits.length * 2));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.#bits[byte]! |= 1 << (pack & 7);
  }

  has(pack: number): boolean {
    return ((this.#bits[pack >> 3] ?? 0) >> (pack & 7)) % 2 === 1;
  }

  addAll(places: ArrayLike<number>): void {
    for (let i = 0; i < places.length; i++) this.add(places[i]!);
  }

  *[Symbol.iterator](): Generator<number> {
    for (let byte = 0; byte < this.#bits.length; byte++) {
      if (this.#bits[byte] === 0) continue;
      for (let bit = 0; bit < 8; bit++) if ((this.#bits[byte]! >> bit) & 1) yield byte * 8 + bit;
    }
  }
}
