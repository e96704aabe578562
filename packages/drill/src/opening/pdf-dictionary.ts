/** Dictionaries of a PDF, as far as the cross-reference needs them: a few numbers, references and names, by key. */
import { BrokenFileError } from '../errors.ts';
import type { FileBytes } from './file-bytes.ts';
import { latin1 } from './format.ts';

/** Longest dictionary that is looked at; those of the cross-reference have some hundred bytes. */
const MAX_LENGTH = 1 << 14;

export interface PdfDictionary {
  readonly text: string;
  /** Behind it, in the file. */
  readonly end: number;
}

/** The dictionary that begins at or right behind `at`. */
export function pdfDictionary(file: FileBytes, at: number): PdfDictionary {
  const text = latin1(file.read(at, Math.min(MAX_LENGTH, file.size - at)));
  const start = text.indexOf('<<');
  if (start < 0 || text.slice(0, start).trim() !== '')
    throw new BrokenFileError(`there is no dictionary at byte ${at}`);
  const length = closing(text, start);
  if (length < 0) throw new BrokenFileError(`the dictionary at byte ${at} has no end`);
  return { text: text.slice(start, length), end: at + length };
}

/** Behind the '>>' that closes what opens at `start`; -1 when there is none. Text in strings may hold anything. */
function closing(text: string, start: number): number {
  const tokens = /<<|>>|\((?:[^()\\]|\\[^])*\)|<[0-9A-Fa-f\s]*>/g;
  tokens.lastIndex = start;
  let depth = 0;
  for (let token = tokens.exec(text); token !== null; token = tokens.exec(text)) {
    if (token[0] === '<<') depth++;
    if (token[0] === '>>' && --depth === 0) return tokens.lastIndex;
  }
  return -1;
}

/** The number behind a key; undefined when there is none, or it is a reference. */
export function numberOf({ text }: PdfDictionary, key: string): number | undefined {
  const found = new RegExp(`/${key}\\s{0,20}(\\d{1,15})(?!\\d|\\s{1,20}\\d{1,15}\\s{1,20}R)`).exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** The object that a key refers to. */
export function referenceOf({ text }: PdfDictionary, key: string): number | undefined {
  const found = new RegExp(`/${key}\\s{0,20}(\\d{1,10})\\s{1,20}\\d{1,5}\\s{1,20}R`).exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** The numbers of an array behind a key. */
export function numbersOf({ text }: PdfDictionary, key: string): readonly number[] | undefined {
  const found = new RegExp(`/${key}\\s{0,20}\\[([\\d\\s]{0,16000})\\]`).exec(text)?.[1]?.trim();
  return found === undefined ? undefined : found.split(/\s+/).map(Number);
}

/** Names of the filters of a stream, in order. */
export function filtersOf({ text }: PdfDictionary): readonly string[] {
  const found = /\/Filter\s{0,20}(?:\/(\w{1,40})|\[([^\]]{0,400})\])/.exec(text);
  if (found?.[1] !== undefined) return [found[1]];
  return found?.[2]?.match(/\w+/g) ?? [];
}
