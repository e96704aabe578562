/** The parts of one file's content as rows, and where their blobs are. */
import { CONTENT_ROW_BYTES } from '../../node-encoding.ts';
import { RECORD_PLACE } from './file-results.ts';

export class ContentParts {
  #rows = new Uint8Array(256 * CONTENT_ROW_BYTES);
  #count = 0;
  #places: number[] = [];
  bytes = 0;

  reset(): void {
    this.#count = 0;
    this.#places = [];
    this.bytes = 0;
  }

  get rows(): Uint8Array {
    return this.#rows.subarray(0, this.#count * CONTENT_ROW_BYTES);
  }

  /** Where the parts are (file-results.ts), repetitions left out as far as they are next to each other. */
  get places(): readonly number[] {
    return this.#places;
  }

  /** A blob that an earlier commit holds in `pack`. */
  addOld(pack: number, id: Uint8Array, length: number): void {
    if (this.#places.at(-1) !== pack && !(this.#places.length < 16 && this.#places.includes(pack)))
      this.#places.push(pack);
    this.#add(id, length);
  }

  /** A blob of this run: its pack is known after the commit, by its record. */
  addNew(record: number, id: Uint8Array, length: number): void {
    const place = (record | RECORD_PLACE) >>> 0;
    if (this.#places.at(-1) !== place) this.#places.push(place);
    this.#add(id, length);
  }

  #add(id: Uint8Array, length: number): void {
    const at = this.#count * CONTENT_ROW_BYTES;
    if (at === this.#rows.length) {
      const grown = new Uint8Array(this.#rows.length * 2);
      grown.set(this.#rows);
      this.#rows = grown;
    }
    this.#rows.set(id, at);
    this.#rows[at + 32] = length;
    this.#rows[at + 33] = length >>> 8;
    this.#rows[at + 34] = length >>> 16;
    this.#rows[at + 35] = length >>> 24;
    this.#count++;
    this.bytes += length;
  }
}
