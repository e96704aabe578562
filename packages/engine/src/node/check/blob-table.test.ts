import { fromHex, toHex } from '@keephold/bytes';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BLOB_ROW_BYTES, type BlobKind } from '../../pack-contents.ts';
import { BlobTable } from './blob-table.ts';

type Row = readonly [id: Uint8Array, kind: BlobKind];

function rowsOf(blobs: readonly Row[]): Uint8Array {
  const rows = new Uint8Array(blobs.length * BLOB_ROW_BYTES);
  blobs.forEach(([id, kind], row) => {
    rows.set(id, row * BLOB_ROW_BYTES);
    rows[row * BLOB_ROW_BYTES + 44] = kind;
  });
  return rows;
}

function placesOf(table: BlobTable, id: Uint8Array): string[] {
  const places: string[] = [];
  table.some(id, (pack, kind) => {
    places.push(`${pack} ${kind}`);
    return false;
  });
  return places.toSorted();
}

/** Few that differ, and those alike where the table looks. */
const idBytes = fc
  .tuple(fc.constantFrom(0, 1, 0xff), fc.constantFrom(0, 1, 2, 64, 65, 0xff), fc.nat({ max: 40 }))
  .map(([first, fifth, rest]) => Uint8Array.from({ length: 32 }, (_, at) => [first, rest, 0, 0, fifth][at] ?? rest));

it('knows every pack of a blob, however many it has taken in', () => {
  const packs = fc.array(fc.array(fc.tuple(idBytes, fc.constantFrom<BlobKind>(1, 2, 3)), { maxLength: 400 }), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(packs, idBytes, (all, stranger) => {
      const table = new BlobTable();
      const expected = new Map<string, string[]>();
      all.forEach((blobs, pack) => {
        table.addPack(pack, rowsOf(blobs));
        for (const [id, kind] of blobs)
          expected.set(toHex(id), [...(expected.get(toHex(id)) ?? []), `${pack} ${kind}`]);
      });
      expect(table.size).toBe(all.reduce((sum, { length }) => sum + length, 0));
      for (const [id, places] of expected) expect(placesOf(table, fromHex(id))).toEqual(places.toSorted());
      if (!expected.has(toHex(stranger))) expect(placesOf(table, stranger)).toEqual([]);
    }),
    { numRuns: 30 },
  );
});

it('finds a hundred thousand again, and stops where it is told to', () => {
  const table = new BlobTable();
  const ids = Array.from({ length: 100_000 }, () => crypto.getRandomValues(new Uint8Array(32)));
  for (let at = 0; at < ids.length; at += 1000)
    table.addPack(at / 1000, rowsOf(ids.slice(at, at + 1000).map((id) => [id, 1] as const)));
  const lost = ids.filter((id, at) => placesOf(table, id).join() !== `${Math.floor(at / 1000)} 1`);
  expect(lost).toEqual([]);
  table.addPack(7, rowsOf([[ids[0]!, 2]]));
  let asked = 0;
  expect(table.some(ids[0]!, () => ++asked > 0)).toBe(true);
  expect(asked).toBe(1);
});
