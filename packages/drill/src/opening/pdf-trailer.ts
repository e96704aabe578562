/** What a section of a PDF's cross-reference says besides where objects lie (ISO 32000-2, 7.5.5). */
import { numberOf, type PdfDictionary, referenceOf } from './pdf-dictionary.ts';

export interface PdfTrailer {
  readonly root: number | undefined;
  /** Further sections, as written. */
  readonly next: readonly number[];
}

/** The dictionary of a trailer, or of a cross-reference stream: the keys are the same. */
export function trailerOf(dictionary: PdfDictionary): PdfTrailer {
  const next = ['XRefStm', 'Prev'].map((key) => numberOf(dictionary, key)).filter((offset) => offset !== undefined);
  return { root: referenceOf(dictionary, 'Root'), next };
}
