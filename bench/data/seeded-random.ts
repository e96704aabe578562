/**
 * The same sequence for the same seed on every machine (sfc32), so that data sets can be made again. It must never be
 * used for keys.
 */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    [this.#a, this.#b, this.#c] = [hashOf(seed, 1), hashOf(seed, 2), hashOf(seed, 3)];
    // The first numbers still resemble the seed.
    for (let i = 0; i < 16; i++) this.word();
  }

  /** 32 random bits. */
  word(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** 0 ≤ number < 1. */
  unit(): number {
    return this.word() / 0x1_0000_0000;
  }

  /** first ≤ integer ≤ last. */
  between(first: number, last: number): number {
    return first + Math.floor(this.unit() * (last - first + 1));
  }

  /** Normally distributed, mean 0, deviation 1. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.unit())) * Math.cos(2 * Math.PI * this.unit());
  }

  bytes(length: number): Uint8Array {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let i = 0; i < words.length; i++) words[i] = this.word();
    return new Uint8Array(words.buffer, 0, length);
  }

  /** `count` different integers below `limit`, ascending. */
  sample(limit: number, count: number): number[] {
    const picked = new Set<number>();
    while (picked.size < Math.min(count, limit)) picked.add(this.between(0, limit - 1));
    return [...picked].sort((a, b) => a - b);
  }
}

/** FNV-1a over the text, with a final mix. */
function hashOf(text: string, salt: number): number {
  let hash = Math.imul(0x811c_9dc5 ^ salt, 0x0100_0193);
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x0100_0193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
  return (hash ^ (hash >>> 12)) | 0;
}
