/** Reads whole records of a tree cache one after the other, through a window that starts at a multiple of four. */

import { closeSync, openSync, readSync } from 'node:fs';
import { freeBytes } from '@keephold/bytes';

const WINDOW_BYTES: number = 1024 * 1024;

export class RecordWindow implements Disposable {
  readonly #file: number;
  #window = new Uint8Array(WINDOW_BYTES);
  /** File offset of the window's first byte, and bytes in it. */
  #from = 0;
  #filled = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'r');
  }

  /** The record at `offset`, a multiple of four; valid until the next call. */
  record(offset: number): Uint8Array {
    this.#show(offset, 4);
    const [length] = new Uint32Array(this.#window.buffer, offset - this.#from, 1);
    this.#show(offset, length!);
    return this.#window.subarray(offset - this.#from, offset - this.#from + length!);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
    freeBytes(this.#window);
  }

  #show(offset: number, length: number): void {
    if (offset >= this.#from && offset + length <= this.#from + this.#filled) return;
    if (length > this.#window.length) {
      freeBytes(this.#window);
      this.#window = new Uint8Array(Math.max(length, this.#window.length * 2));
    }
    this.#from = offset;
    this.#filled = readSync(this.#file, this.#window, 0, this.#window.length, offset);
    if (this.#filled < length) throw new RangeError('tree cache: the file of pending records is cut short');
  }
}
