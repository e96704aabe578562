/**
 * Entries of a changed directory that are as the last snapshot has them. They stay where they are, in a copy of the old
 * record: the new record takes them in stretches, the new tree copies their nodes, and no object is made for any.
 */
import type { NodeSequence } from '../../node-encoding.ts';
import { ENTRY_WORDS, paddedWords } from './record-format.ts';
import type { CachedDirectory } from './tree-cache-reader.ts';

/** Where an entry does not stand in the record. No entry can: a record starts with its head. */
export const NOT_KEPT = 0;

/** `count` entries one after the other, as a record has them. */
export interface EntryStretch {
  readonly words: Uint32Array;
  readonly count: number;
}

export class KeptEntries implements NodeSequence {
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #at: Uint32Array;

  /** `at`: word of the record of `directory` at which each listed entry starts, or NOT_KEPT. Both are copied. */
  constructor(directory: CachedDirectory, at: Uint32Array) {
    const { words, bytes } = directory.copyOfRecord();
    this.#words = words;
    this.#bytes = bytes;
    this.#at = at.slice();
  }

  /** Of all listed entries. */
  get count(): number {
    return this.#at.length;
  }

  has(i: number): boolean {
    return this.#at[i] !== NOT_KEPT;
  }

  /** Bytes of the node of entry `i`; 0 when it is not kept. */
  lengthOf(i: number): number {
    const at = this.#at[i]!;
    return at === NOT_KEPT ? 0 : this.#words[at + 15]!;
  }

  /** A view of the node of a kept entry. */
  node(i: number): Uint8Array {
    const from = this.#nodeAt(i);
    return this.#bytes.subarray(from, from + this.lengthOf(i));
  }

  writeNode(i: number, target: Uint8Array, at: number): void {
    const from = this.#nodeAt(i);
    const length = this.lengthOf(i);
    const bytes = this.#bytes;
    for (let done = 0; done < length; done++) target[at + done] = bytes[from + done]!;
  }

  /** A view of the places of a kept entry. */
  places(i: number): Uint32Array {
    const from = this.#at[i]! + ENTRY_WORDS;
    return this.#words.subarray(from, from + this.#words[this.#at[i]! + 16]!);
  }

  /** The kept entry `i` and as many after it as stand right behind it in the record. */
  stretchFrom(i: number): EntryStretch {
    const first = this.#at[i]!;
    let count = 0;
    let end = first;
    while (this.#at[i + count] === end) {
      end += this.#wordsAt(end);
      count++;
    }
    return { words: this.#words.subarray(first, end), count };
  }

  #wordsAt(at: number): number {
    const words = this.#words;
    return ENTRY_WORDS + words[at + 16]! + paddedWords(words[at + 14]!) + paddedWords(words[at + 15]!);
  }

  #nodeAt(i: number): number {
    const at = this.#at[i]!;
    return (at + ENTRY_WORDS + this.#words[at + 16]! + paddedWords(this.#words[at + 14]!)) * 4;
  }
}
