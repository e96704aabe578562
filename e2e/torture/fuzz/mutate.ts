/** Changes a valid record into one that nobody wrote: from a flipped bit to pieces of two records. */
import type { SeededRandom } from '../../../bench/data/seeded-random.ts';

const LONGEST = 1 << 17;
/** What lengths, counts and types are read wrongly at. */
const EDGES = [0, 1, 0x17, 0x18, 0x7f, 0x80, 0xff, 0x100, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

type Change = (bytes: Uint8Array, random: SeededRandom, other: Uint8Array) => Uint8Array;

const changes: readonly Change[] = [
  (bytes, random) => bytes.with(at(bytes, random), random.word() & 0xff),
  (bytes, random) => flipped(bytes, at(bytes, random), random),
  (bytes, random) => splice(bytes, at(bytes, random), 0, random.bytes(random.between(1, 8))),
  (bytes, random) => splice(bytes, at(bytes, random), random.between(1, 32), new Uint8Array(0)),
  (bytes, random) => bytes.slice(0, at(bytes, random)),
  // A piece once more, somewhere else.
  (bytes, random) => splice(bytes, at(bytes, random), 0, piece(bytes, random)),
  (bytes, random) => splice(bytes, at(bytes, random), random.between(0, 64), piece(bytes, random)),
  (bytes, random, other) => splice(bytes, at(bytes, random), random.between(0, 64), piece(other, random)),
  (bytes, random) => splice(bytes, at(bytes, random), 4, integer(random, 'little')),
  (bytes, random) => splice(bytes, at(bytes, random), 4, integer(random, 'big')),
  // A head of CBOR.
  (bytes, random) =>
    splice(bytes, at(bytes, random), 1, new Uint8Array([(random.between(0, 7) << 5) | random.between(0, 31)])),
];

/** One to four changes; `other` is another record of the kind. */
export function mutate(bytes: Uint8Array, other: Uint8Array, random: SeededRandom): Uint8Array {
  let changed = bytes;
  for (let left = random.between(1, 4); left > 0; left--) {
    const change = changes[random.between(0, changes.length - 1)]!;
    changed = changed.length === 0 ? random.bytes(random.between(0, 40)) : change(changed, random, other);
  }
  return changed.length > LONGEST ? changed.slice(0, LONGEST) : changed;
}

function at(bytes: Uint8Array, random: SeededRandom): number {
  return random.between(0, bytes.length - 1);
}

function flipped(bytes: Uint8Array, where: number, random: SeededRandom): Uint8Array {
  return bytes.with(where, bytes[where]! ^ (1 << random.between(0, 7)));
}

function piece(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const start = random.between(0, Math.max(0, bytes.length - 1));
  return bytes.slice(start, start + random.between(1, 2 ** random.between(1, 10)));
}

function integer(random: SeededRandom, order: 'little' | 'big'): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, EDGES[random.between(0, EDGES.length - 1)]!, order === 'little');
  return bytes;
}

function splice(bytes: Uint8Array, start: number, remove: number, insert: Uint8Array): Uint8Array {
  const result = new Uint8Array(
    Math.min(bytes.length, start) + insert.length + Math.max(0, bytes.length - start - remove),
  );
  result.set(bytes.subarray(0, start));
  result.set(insert, start);
  result.set(bytes.subarray(start + remove), start + insert.length);
  return result;
}
