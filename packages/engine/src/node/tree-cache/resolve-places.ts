/** Turns record numbers in a finished record into pack numbers, once the packs of a run are known. */
import { RECORD_PLACE } from '../backup/file-results.ts';
import { CHECK_WORD, DIRECTORY_WORDS, ENTRY_WORDS, paddedWords, recordCheck } from './record-format.ts';

/** `record` as encodeDirectory made it; comes back as it is, but for its check, when it has no record numbers. */
export function resolvePlaces(record: Uint8Array, packOf: (recordNumber: number) => number): Uint8Array {
  const words = new Uint32Array(record.buffer, record.byteOffset, record.length / 4);
  const resolved = words[1] === 0 ? record : replacePlaces(words, packOf);
  new Uint32Array(resolved.buffer, resolved.byteOffset, resolved.length / 4)[CHECK_WORD] = recordCheck(resolved);
  return resolved;
}

function replacePlaces(words: Uint32Array, packOf: (recordNumber: number) => number): Uint8Array {
  const out = new Uint32Array(words.length);
  let from = DIRECTORY_WORDS;
  let to = DIRECTORY_WORDS;
  out.set(words.subarray(0, from));
  out[1] = 0;
  const places = (count: number): number => {
    const first = to;
    for (let i = 0; i < count; i++) {
      const place = words[from + i]!;
      const pack = place >= RECORD_PLACE ? packOf(place - RECORD_PLACE) : place;
      if (!includes(out, first, to, pack)) out[to++] = pack;
    }
    from += count;
    return to - first;
  };
  const copy = (count: number): void => {
    out.set(words.subarray(from, from + count), to);
    from += count;
    to += count;
  };
  out[6] = places(words[6]!);
  copy(paddedWords(words[2]!));
  for (let i = 0; i < words[3]!; i++) {
    const entry = to;
    const [name, node, count] = [words[from + 14]!, words[from + 15]!, words[from + 16]!];
    copy(ENTRY_WORDS);
    out[entry + 16] = places(count);
    copy(paddedWords(name) + paddedWords(node));
  }
  out[0] = to * 4;
  return new Uint8Array(out.buffer, 0, to * 4);
}

/** Looks back a little: places of one file come in runs. */
function includes(places: Uint32Array, first: number, end: number, pack: number): boolean {
  for (let i = end - 1; i >= Math.max(first, end - 64); i--) if (places[i] === pack) return true;
  return false;
}
