/** A cross-reference table of a PDF and the trailer behind it (ISO 32000-2, 7.5.4 and 7.5.5). */
import { BrokenFileError } from '../errors.ts';
import type { FileBytes } from './file-bytes.ts';
import { latin1 } from './format.ts';
import { pdfDictionary } from './pdf-dictionary.ts';
import type { PdfObjects } from './pdf-objects.ts';
import { type PdfTrailer, trailerOf } from './pdf-trailer.ts';

const ENTRY_LENGTH = 20;

/** `at`: where "xref" stands. */
export function readXrefTable(file: FileBytes, at: number, objects: PdfObjects): PdfTrailer {
  for (let next = at + 4; ; ) {
    const text = latin1(file.read(next, Math.min(64, file.size - next)));
    const trailer = /^\s*trailer/.exec(text);
    if (trailer !== null) return trailerOf(pdfDictionary(file, next + trailer[0].length));
    const head = /^\s*(\d{1,10})[ \t]+(\d{1,10})[ \t]*(\r\n|\r|\n)/.exec(text);
    if (head === null) throw new BrokenFileError(`the cross-reference table at byte ${at} is wrong at byte ${next}`);
    next += head[0].length;
    readEntries({ file, at: next, first: Number(head[1]), count: Number(head[2]), objects });
    next += Number(head[2]) * ENTRY_LENGTH;
  }
}

interface Entries {
  readonly file: FileBytes;
  readonly at: number;
  readonly first: number;
  readonly count: number;
  readonly objects: PdfObjects;
}

function readEntries({ file, at, first, count, objects }: Entries): void {
  for (let i = 0; i < count; i++) {
    const text = latin1(file.read(at + i * ENTRY_LENGTH, ENTRY_LENGTH));
    const entry = /^(\d{10}) (\d{5}) ([nf])/.exec(text);
    if (entry === null) throw new BrokenFileError(`the entry of object ${first + i} in its cross-reference is wrong`);
    if (entry[3] === 'n') objects.at(first + i, Number(entry[1]));
    else objects.gone(first + i);
  }
}
