/** Photos and films in size and names; the payload is random, so nobody can compress it. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { age, type DataSet, writeAged } from './data-set.ts';
import { SeededRandom } from './seeded-random.ts';

const HEAD = Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 0x10, 0x4a, 0x46, 0x49, 0x46, 0]);
const FILES_AN_ALBUM = 12;
const SMALLEST = 500_000;
const LARGEST = 8_000_000;

/** `size.files` follows from the bytes: files of 0.5 to 8 MB. */
export function mediaFiles(bytes: number): DataSet {
  const lengths = fileLengths(bytes);
  return {
    name: 'media',
    title: 'photos and films that do not compress',
    size: { files: lengths.length, bytes },
    make: (folder) => make(folder, lengths),
    change,
    sample: join('album 0', 'IMG_0000.JPG'),
  };
}

function fileLengths(bytes: number): number[] {
  const random = new SeededRandom('media lengths');
  const lengths: number[] = [];
  for (let left = bytes; left > 0; left -= lengths.at(-1)!)
    lengths.push(Math.min(left, random.between(SMALLEST, LARGEST)));
  return lengths;
}

function make(root: string, lengths: readonly number[]): void {
  const random = new SeededRandom('media');
  lengths.forEach((length, i) => {
    const album = join(root, `album ${Math.floor(i / FILES_AN_ALBUM)}`);
    mkdirSync(album, { recursive: true });
    writeAged(join(album, `IMG_${String(i).padStart(4, '0')}.JPG`), photo(length, random), { random });
  });
  for (const album of readdirSync(root)) age(join(root, album), random);
  age(root, random);
}

function photo(length: number, random: SeededRandom): Uint8Array {
  const bytes = random.bytes(length);
  bytes.set(HEAD.subarray(0, length));
  return bytes;
}

/** 1 % more photos, and as many whose metadata is rewritten with a shift of everything behind it. */
function change(root: string): void {
  const random = new SeededRandom('media, a day later');
  const album = join(root, 'album 0');
  const photos = readdirSync(album).sort();
  const share = Math.ceil(readdirSync(root).length * FILES_AN_ALBUM * 0.005);
  for (let i = 0; i < share; i++) {
    writeFileSync(join(album, `IMG_9${String(i).padStart(3, '0')}.JPG`), photo(3_000_000, random));
    const path = join(album, photos[(i + 1) % photos.length]!);
    const before = readFileSync(path);
    const note = new TextEncoder().encode('Rating=5 edited '.repeat(random.between(3, 20)));
    writeFileSync(path, Buffer.concat([before.subarray(0, 40), note, before.subarray(120)]));
  }
}
