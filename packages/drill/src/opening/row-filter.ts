/** Cuts bytes into rows, and undoes the row filters of PNG (third edition, 9.2) where there are any; one byte a pixel. */
import { BrokenFileError } from '../errors.ts';

export class RowFilter {
  readonly #columns: number;
  readonly #hasFilter: boolean;
  readonly #row: Uint8Array;
  #filled = 0;
  #above: Uint8Array;

  constructor(form: 'plain' | 'filtered', columns: number) {
    if (columns < 1) throw new BrokenFileError('the rows of its cross-reference are empty');
    this.#columns = columns;
    this.#hasFilter = form === 'filtered';
    this.#row = new Uint8Array(columns + (this.#hasFilter ? 1 : 0));
    this.#above = new Uint8Array(columns);
  }

  /** The rows that are complete with these bytes. */
  *rows(bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; ) {
      const taken = Math.min(this.#row.length - this.#filled, bytes.length - at);
      this.#row.set(bytes.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
      if (this.#filled < this.#row.length) return;
      this.#filled = 0;
      yield this.#hasFilter ? this.#unfiltered() : this.#row.slice();
    }
  }

  #unfiltered(): Uint8Array {
    const filter = this.#row[0]!;
    const plain = new Uint8Array(this.#columns);
    for (let i = 0; i < this.#columns; i++) {
      const [left, above, corner] = [plain[i - 1] ?? 0, this.#above[i]!, this.#above[i - 1] ?? 0];
      plain[i] = this.#row[i + 1]! + predicted(filter, { left, above, corner });
    }
    this.#above = plain;
    return plain;
  }
}

interface Neighbours {
  readonly left: number;
  readonly above: number;
  readonly corner: number;
}

function predicted(filter: number, { left, above, corner }: Neighbours): number {
  switch (filter) {
    case 0:
      return 0;
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return (left + above) >> 1;
    case 4:
      return paeth(left, above, corner);
    default:
      throw new BrokenFileError(`a row of its cross-reference has the filter ${filter}`);
  }
}

function paeth(left: number, above: number, corner: number): number {
  const estimate = left + above - corner;
  const [toLeft, toAbove, toCorner] = [left, above, corner].map((value) => Math.abs(estimate - value)) as [
    number,
    number,
    number,
  ];
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}
