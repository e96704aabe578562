/** Text that compresses about as prose and sources do: words of one vocabulary, few of them often (Zipf's law). */
import type { SeededRandom } from './seeded-random.ts';

const VOCABULARY = 6000;
const DRAWS = 1 << 16;
const SYLLABLES = 'ba co de fi lo ma ne pi ro su ta ve sta tri pre con ing er al ion'.split(' ');
const SPACE = 0x20;
const NEWLINE = 0x0a;

export class WordText {
  readonly #random: SeededRandom;
  readonly #words: readonly Uint8Array[];
  /** Word numbers; how often one stands here is how often it is drawn. */
  readonly #draws = new Uint16Array(DRAWS);

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#words = Array.from({ length: VOCABULARY }, () => new TextEncoder().encode(makeWord(random)));
    for (let i = 0; i < DRAWS; i++) this.#draws[i] = Math.floor(VOCABULARY ** (i / DRAWS)) - 1;
  }

  word(): string {
    return new TextDecoder().decode(this.#draw());
  }

  bytes(length: number): Uint8Array {
    const text = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const word = this.#draw();
      for (let i = 0; i < word.length && at < length; i++) text[at++] = word[i]!;
      if (at < length) text[at++] = (this.#random.word() & 15) === 0 ? NEWLINE : SPACE;
    }
    return text;
  }

  string(length: number): string {
    return new TextDecoder().decode(this.bytes(length));
  }

  #draw(): Uint8Array {
    return this.#words[this.#draws[this.#random.word() & (DRAWS - 1)]!]!;
  }
}

function makeWord(random: SeededRandom): string {
  const parts = Array.from({ length: random.between(1, 4) }, () => SYLLABLES[random.between(0, SYLLABLES.length - 1)]!);
  return parts.join('');
}
