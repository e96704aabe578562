/** Draws what happens to files of a repository: which ones, how, and where in them. */
import type { DamagedHome, FileKind, StoredFile } from '../../apps/keephold/tests/damage/_damaged-home.ts';
import type { SeededRandom } from '../crash/seeded-random.ts';

const PAGE = 65_552;
const PACK_HEADER = 96;
/** What rots or is written wrongly at once: bytes, a sector, a block. */
const LENGTHS = [1, 2, 8, 512, 4096];

export interface Damage {
  readonly file: StoredFile;
  /** In words, with every number that was drawn. */
  readonly how: string;
  readonly change: (bytes: Buffer) => Uint8Array | undefined;
}

/** One to `most` files, each damaged in one way. */
export function drawDamage(home: DamagedHome, random: SeededRandom, most: number): readonly Damage[] {
  // Names are drawn anew with every repository: the same seed is to mean the same files.
  const left = home.files.toSorted((a, b) => compare(a.kind, b.kind) || a.size - b.size || compare(a.path, b.path));
  const damages: Damage[] = [];
  for (let count = 1 + random.below(most); count > 0; count--) {
    // By kind first: there are many packs and one keyring.
    const kinds = [...new Set(left.map(({ kind }) => kind))];
    const kind = kinds[random.below(kinds.length)]!;
    const ofKind = left.filter((file) => file.kind === kind);
    const file = ofKind[random.below(ofKind.length)]!;
    left.splice(left.indexOf(file), 1);
    damages.push(drawOne(home, file, random));
  }
  return damages;
}

function drawOne(home: DamagedHome, file: StoredFile, random: SeededRandom): Damage {
  const [where, at] = drawPlace(file, random);
  const others = home.files.filter(({ kind, path }) => kind === file.kind && path !== file.path);
  const other = others[random.below(Math.max(1, others.length))];
  const length = LENGTHS[random.below(LENGTHS.length)]!;
  const ways: readonly (() => Omit<Damage, 'file'>)[] = [
    () => flip(at, random.below(8), where),
    () => overwritten(at, random.bytes(length), where),
    () => overwritten(at, Buffer.alloc(length), `${where}, with zeros`),
    () => ({ how: `cut at ${at}, in ${where}`, change: (bytes) => bytes.subarray(0, at) }),
    () => longer(random.bytes(length)),
    () => ({ how: 'gone', change: () => undefined }),
    // Moved by some bytes, as when something is lost in the middle.
    () => without(at, length, where),
    () => inPlaceOf(home, other),
  ];
  return { file, ...ways[random.below(ways.length)]!() };
}

/** Flips a bit where there is nothing else to do. */
function inPlaceOf(home: DamagedHome, other: StoredFile | undefined): Omit<Damage, 'file'> {
  if (other === undefined) return flip(0, 4, 'the first byte');
  return { how: `with the bytes of ${other.path}`, change: () => home.original(other.path) };
}

function flip(at: number, bit: number, where: string): Omit<Damage, 'file'> {
  return {
    how: `bit ${bit} of byte ${at} flipped, in ${where}`,
    change: (bytes) => bytes.with(at, bytes[at]! ^ (1 << bit)),
  };
}

function overwritten(at: number, by: Buffer, where: string): Omit<Damage, 'file'> {
  const change = (bytes: Buffer): Buffer => {
    const changed = Buffer.from(bytes);
    by.copy(changed, at);
    return changed;
  };
  return { how: `${by.length} bytes from ${at} overwritten, in ${where}`, change };
}

function longer(by: Buffer): Omit<Damage, 'file'> {
  return { how: `${by.length} bytes longer`, change: (bytes) => Buffer.concat([bytes, by]) };
}

function without(at: number, length: number, where: string): Omit<Damage, 'file'> {
  const change = (bytes: Buffer): Buffer => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
  return { how: `${length} bytes lost at ${at}, in ${where}`, change };
}

/** A class of offsets first, then an offset in it: most of a pack is pages, and a header is soon missed. */
function drawPlace(file: StoredFile, random: SeededRandom): readonly [where: string, at: number] {
  const places = placesOf(file.kind, file.size).filter(([, from, to]) => to > from && to <= file.size);
  const [where, from, to] = places[random.below(places.length)]!;
  return [where, from + random.below(to - from)];
}

type Place = readonly [where: string, from: number, to: number];

function placesOf(kind: FileKind, size: number): readonly Place[] {
  const anywhere: Place = ['the file', 0, size];
  if (kind.endsWith('pack')) {
    const pages = Math.floor((size - PACK_HEADER) / PAGE);
    const last = PACK_HEADER + (pages - 1) * PAGE;
    return [
      anywhere,
      ['the header', 0, PACK_HEADER],
      ['the first page', PACK_HEADER, PACK_HEADER + PAGE],
      ['the last page', last, last + PAGE],
      ['the tag of the last page', last + PAGE - 16, last + PAGE],
    ];
  }
  if (/index|session|snapshot|keyring/.test(kind))
    return [anywhere, ['the header', 0, 32], ['salt and key check', 32, 96], ['the tag', size - 16, size]];
  if (kind === 'ledger') return [anywhere, ['the database header', 0, 100]];
  return [anywhere, ['the beginning', 0, Math.min(48, size)], ['the end', Math.max(0, size - 64), size]];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
