import { toHex } from '@keephold/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noise } from './_memory-vault.ts';
import { IdTable } from './id-table.ts';

describe('IdTable', () => {
  it('numbers ids as a map of their text does', () => {
    // Few different bytes, so that ids repeat and share the bytes that decide their slot.
    const ids = fc.array(fc.array(fc.nat(2), { minLength: 32, maxLength: 32 }), { maxLength: 300 });
    fc.assert(
      fc.property(ids, (list) => {
        const table = new IdTable();
        const known = new Map<string, number>();
        for (const id of list.map((bytes) => Uint8Array.from(bytes))) {
          const name = toHex(id);
          expect(table.find(id)).toBe(known.get(name) ?? -1);
          if (!known.has(name)) known.set(name, known.size);
          expect(table.add(id)).toBe(known.get(name));
        }
        expect(table.size).toBe(known.size);
        for (const [name, number] of known) expect(toHex(table.idAt(number))).toBe(name);
      }),
    );
  });

  it('grows to many ids, found wherever they stand in an array', () => {
    const all = noise(32 * 20_000, 1);
    const table = new IdTable();
    for (let i = 0; i < 20_000; i++) expect(table.add(all, i * 32)).toBe(i);
    for (let i = 0; i < 20_000; i++) expect(table.find(all, i * 32)).toBe(i);
    expect(table.has(noise(32, 2))).toBe(false);
    expect(() => table.add(all, all.length - 31)).toThrow(RangeError);
  });
});
