/** A cross-reference stream of a PDF (ISO 32000-2, 7.5.8): the same as a table, as compressed rows of bytes. */
import { BrokenFileError, UndecidedFileError } from '../errors.ts';
import { type FileBytes, pieces } from './file-bytes.ts';
import { latin1 } from './format.ts';
import { type InflateBudget, inflated } from './inflate.ts';
import { filtersOf, numberOf, numbersOf, type PdfDictionary, pdfDictionary } from './pdf-dictionary.ts';
import type { PdfObjects } from './pdf-objects.ts';
import { type PdfTrailer, trailerOf } from './pdf-trailer.ts';
import { RowFilter } from './row-filter.ts';

export interface XrefStream {
  readonly file: FileBytes;
  /** Where the object begins. */
  readonly at: number;
  readonly objects: PdfObjects;
  readonly budget: InflateBudget;
}

/** The longest row: three fields of at most 8 bytes. */
const MAX_FIELD = 8;
/** Columns of a predictor: those of a row, and here some more. */
const MAX_COLUMNS = 64;

export async function readXrefStream({ file, at, objects, budget }: XrefStream): Promise<PdfTrailer> {
  const head = /^\s*\d+\s+\d+\s+obj/.exec(latin1(file.read(at, Math.min(64, file.size - at))));
  const dictionary = pdfDictionary(file, at + (head?.[0].length ?? 0));
  if (!/\/Type\s*\/XRef\b/.test(dictionary.text))
    throw new BrokenFileError(`there is no cross-reference at byte ${at}`);
  const widths = numbersOf(dictionary, 'W') ?? [];
  if (widths.length !== 3 || widths.some((width) => width > MAX_FIELD))
    throw new BrokenFileError('the rows of its cross-reference are of no known form');
  const rows = rowsOf(file, dictionary, widths, budget);
  const size = numberOf(dictionary, 'Size') ?? 0;
  const index = numbersOf(dictionary, 'Index') ?? [0, size];
  for (let at = 0; at + 1 < index.length; at += 2) {
    for (let i = 0; i < index[at + 1]!; i++) {
      const row = await rows.next();
      if (row.done === true) throw new BrokenFileError('rows of its cross-reference are missing');
      note(objects, index[at]! + i, fields(row.value, widths));
    }
  }
  // To the checksum of the compressed data.
  for await (const _ of rows);
  return trailerOf(dictionary);
}

function note(objects: PdfObjects, number: number, [type, place]: readonly [number, number]): void {
  if (type === 1) objects.at(number, place);
  else if (type === 2) objects.inside(number);
  else objects.gone(number);
}

/** The first two; an absent type means 1. */
function fields(row: Uint8Array, [first = 0, second = 0]: readonly number[]): readonly [number, number] {
  return [first === 0 ? 1 : bigEndian(row.subarray(0, first)), bigEndian(row.subarray(first, first + second))];
}

function bigEndian(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

async function* rowsOf(
  file: FileBytes,
  dictionary: PdfDictionary,
  widths: readonly number[],
  budget: InflateBudget,
): AsyncGenerator<Uint8Array> {
  const source = pieces(file, ...streamPlace(file, dictionary));
  const filters = filtersOf(dictionary);
  const isDeflated = filters.length === 1 && (filters[0] === 'FlateDecode' || filters[0] === 'Fl');
  if (filters.length > 0 && !isDeflated)
    throw new UndecidedFileError(`its cross-reference is compressed with ${filters.join(' and ')}`);
  const length = widths.reduce((sum, width) => sum + width, 0);
  const rows = new RowFilter(isPredicted(dictionary, length) ? 'filtered' : 'plain', length);
  for await (const piece of isDeflated ? inflated(source, 'zlib', budget) : source) yield* rows.rows(piece);
}

/** PNG predictors only: others are not used for rows of bytes. */
function isPredicted(dictionary: PdfDictionary, length: number): boolean {
  const predictor = numberOf(dictionary, 'Predictor') ?? 1;
  if (predictor === 1) return false;
  const columns = numberOf(dictionary, 'Columns') ?? 1;
  if (predictor < 10 || columns !== length || columns > MAX_COLUMNS)
    throw new UndecidedFileError(`its cross-reference has the predictor ${predictor} of ${columns} columns`);
  return true;
}

/** Where the bytes of the stream lie; a length that stands elsewhere is not looked up: compressed data knows its end. */
function streamPlace(file: FileBytes, dictionary: PdfDictionary): readonly [offset: number, length: number] {
  const { end } = dictionary;
  const start = /^\s{0,20}stream(\r\n|\n|\r)/.exec(latin1(file.read(end, Math.min(40, file.size - end))));
  if (start === null) throw new BrokenFileError(`there is no stream at byte ${end}`);
  const at = end + start[0].length;
  const length = numberOf(dictionary, 'Length') ?? file.size - at;
  if (at + length > file.size)
    throw new BrokenFileError(`its cross-reference reaches to byte ${at + length} of ${file.size}`);
  return [at, length];
}
