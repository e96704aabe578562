/** Turns record numbers in a finished record into pack numbers, once the packs of a run are known. */
import { RECORD_PLACE } from '../backup/file-results.ts';
import { CHECK_WORD, DIRECTORY_WORDS, ENTRY_WORDS, paddedWords, recordCheck } from './record-format.ts';

/** `record` as encodeDirectory made it; completes it where it stands, and answers what is left of it. */
export function resolvePlaces(record: Uint8Array, packOf: (recordNumber: number) => number): Uint8Array {
  const words = new Uint32Array(record.buffer, record.byteOffset, record.length / 4);
  const length = words[1] === 0 ? record.length : replacePlaces(words, packOf);
  const resolved = length === record.length ? record : record.subarray(0, length);
  words[CHECK_WORD] = recordCheck(resolved);
  return resolved;
}

/** What is taken never lies before what is put, so that it needs no second record. The length in bytes. */
function replacePlaces(words: Uint32Array, packOf: (recordNumber: number) => number): number {
  let from = DIRECTORY_WORDS;
  let to = DIRECTORY_WORDS;
  const places = (count: number): number => {
    const first = to;
    for (let i = 0; i < count; i++) {
      const place = words[from + i]!;
      const pack = place >= RECORD_PLACE ? packOf(place - RECORD_PLACE) : place;
      if (!includes(words, first, to, pack)) words[to++] = pack;
    }
    from += count;
    return to - first;
  };
  const copy = (count: number): void => {
    if (from !== to) words.copyWithin(to, from, from + count);
    from += count;
    to += count;
  };
  words[1] = 0;
  words[6] = places(words[6]!);
  copy(paddedWords(words[2]!));
  const entries = words[3]!;
  for (let i = 0; i < entries; i++) {
    const entry = to;
    const rest = paddedWords(words[from + 14]!) + paddedWords(words[from + 15]!);
    copy(ENTRY_WORDS);
    words[entry + 16] = places(words[entry + 16]!);
    copy(rest);
  }
  words[0] = to * 4;
  return to * 4;
}

/** Looks back a little: places of one file come in runs. */
function includes(places: Uint32Array, first: number, end: number, pack: number): boolean {
  for (let i = end - 1; i >= Math.max(first, end - 64); i--) if (places[i] === pack) return true;
  return false;
}
