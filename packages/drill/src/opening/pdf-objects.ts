/** Which objects of a PDF the cross-reference names, and whether they are where it says. */
import { BrokenFileError } from '../errors.ts';
import type { FileBytes } from './file-bytes.ts';
import { latin1 } from './format.ts';

/** ISO 32000-1, annex C: no more objects than this. */
const MAX_OBJECTS = 8_388_607;
/** Objects that are looked for at their place; each is a read. */
const MAX_LOOKS = 200_000;
/** Entries of all sections: each object in a few of them. */
const MAX_ENTRIES = 4 * MAX_OBJECTS;

export class PdfObjects {
  found = 0;
  readonly #file: FileBytes;
  readonly #base: number;
  /** A bit an object: a newer section has named it. */
  #named = new Uint8Array(1024);
  #looks = 0;
  #entries = 0;

  constructor(file: FileBytes, base: number) {
    this.#file = file;
    this.#base = base;
  }

  /** Whether objects were left unlooked at because there are so many. */
  get isLimited(): boolean {
    return this.#looks > MAX_LOOKS;
  }

  has(number: number): boolean {
    return ((this.#named[number >>> 3] ?? 0) & (1 << (number & 7))) !== 0;
  }

  /** An object that stands in the file. @throws BrokenFileError when it does not */
  at(number: number, offset: number): void {
    if (!this.#note(number)) return;
    const place = offset + this.#base;
    if (place >= this.#file.size)
      throw new BrokenFileError(`its object ${number} would begin at byte ${place} of ${this.#file.size}`);
    if (++this.#looks > MAX_LOOKS) return;
    const text = latin1(this.#file.read(place, Math.min(40, this.#file.size - place)));
    const written = /^\s{0,8}(\d{1,10})\s{1,8}\d{1,5}\s{1,8}obj/.exec(text)?.[1];
    if (Number(written) !== number) throw new BrokenFileError(`its object ${number} is not at byte ${place}`);
  }

  /** An object inside another one. */
  inside(number: number): void {
    this.#note(number);
  }

  /** One that was deleted: older sections do not count. */
  gone(number: number): void {
    if (this.#note(number)) this.found--;
  }

  /** False when a newer section named it. */
  #note(number: number): boolean {
    if (!(number >= 0 && number <= MAX_OBJECTS))
      throw new BrokenFileError(`its cross-reference names an object ${number}`);
    if (++this.#entries > MAX_ENTRIES) throw new BrokenFileError('its cross-reference has no end');
    if (this.has(number)) return false;
    const index = number >>> 3;
    if (index >= this.#named.length) this.#grow(index);
    this.#named[index]! |= 1 << (number & 7);
    this.found++;
    return true;
  }

  #grow(index: number): void {
    const grown = new Uint8Array(Math.max(index + 1, this.#named.length * 2));
    grown.set(this.#named);
    this.#named = grown;
  }
}
