import { type CborValue, encodeCbor, fromHex, toHex } from '@keephold/bytes';
import type { BlobId } from '@keephold/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/format-v1.json' with { type: 'json' };
import { arbitraryBytes } from './_arbitrary-contents.ts';
import { DamagedError } from './errors.ts';
import { buildLists, decodeList, encodeList, type ListEntry } from './list-codec.ts';

const { listBlob, listBlobLevel1 } = vectors.V;
const plain = fromHex(listBlob.plaintext);
const entry = fc.record({
  blob: arbitraryBytes(32).map((id) => id as BlobId),
  bytes: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
});
const id = (byte: number): BlobId => new Uint8Array(32).fill(byte) as Uint8Array as BlobId;

describe('list codec', () => {
  it('reads and writes the vectors', () => {
    const list = decodeList(plain, { childKind: 1, level: 0 });
    expect(list.entries.map(({ bytes }) => bytes)).toEqual([20, 1000, 9, 70_000]);
    expect(toHex(encodeList(list))).toBe(listBlob.plaintext);
    const above = decodeList(fromHex(listBlobLevel1.plaintext), { childKind: 1 });
    expect(above).toMatchObject({ childKind: 1, level: 1, entries: [{ bytes: 71_029 }] });
    expect(toHex(above.entries[0]?.blob as Uint8Array)).toBe(listBlob.id);
  });

  it('reads back what it writes', () => {
    const lists = fc.record({
      childKind: fc.constantFrom(1 as const, 2 as const),
      level: fc.nat(8),
      entries: fc.array(entry, { minLength: 1, maxLength: 30 }),
    });
    fc.assert(
      fc.property(lists, (list) => {
        expect(decodeList(encodeList(list), list)).toEqual(list);
      }),
    );
  });

  it('refuses leaves or a level that are not expected', () => {
    expect(() => decodeList(plain, { childKind: 2 })).toThrow(DamagedError);
    expect(() => decodeList(plain, { childKind: 1, level: 1 })).toThrow(DamagedError);
  });

  it.each<[string, CborValue]>([
    ['another version', [2, 1, 0, [[id(1), 1]]]],
    ['a field too many', [1, 1, 0, [[id(1), 1]], 0]],
    ['a field too few', [1, 1, 0]],
    ['level 9', [1, 1, 9, [[id(1), 1]]]],
    ['no entry', [1, 1, 0, []]],
    ['1,025 entries', [1, 1, 0, Array.from({ length: 1025 }, () => [id(1), 1])]],
    ['a short id', [1, 1, 0, [[new Uint8Array(31), 1]]]],
    ['an entry without bytes', [1, 1, 0, [[id(1)]]]],
    ['an entry of three', [1, 1, 0, [[id(1), 1, 1]]]],
    ['an empty entry', [1, 1, 0, [[id(1), 0]]]],
    ['negative bytes', [1, 1, 0, [[id(1), -1]]]],
    ['bytes beyond 2^53', [1, 1, 0, [[id(1), 2n ** 53n]]]],
    ['an entry that is no pair', [1, 1, 0, [id(1)]]],
    ['a map', new Map([[1, 1]])],
  ])('refuses %s', (_, value) => {
    expect(() => decodeList(encodeCbor(value), { childKind: 1 })).toThrow(DamagedError);
  });

  it('refuses every cut and extension, and what is not canonical', () => {
    for (let length = 0; length < plain.length; length++) {
      expect(() => decodeList(plain.subarray(0, length), { childKind: 1 })).toThrow(DamagedError);
    }
    expect(() => decodeList(new Uint8Array([...plain, 0]), { childKind: 1 })).toThrow(DamagedError);
    const long = new Uint8Array([0x84, 0x18, 1, ...plain.subarray(2)]);
    expect(() => decodeList(long, { childKind: 1 })).toThrow(/longer than needed/);
  });

  it('says something else or refuses when any bit flips', () => {
    for (let at = 0; at < plain.length; at++) {
      const changed = plain.with(at, (plain[at] as number) ^ (1 << (at % 8)));
      try {
        expect(toHex(encodeList(decodeList(changed, { childKind: 1 })))).toBe(toHex(changed));
      } catch (error) {
        expect(error).toBeInstanceOf(DamagedError);
      }
    }
  });
});

describe('buildLists', () => {
  it.each([1, 257, 1024, 1025, 3000])('puts %s leaves under one top, all in order', (count) => {
    const leaves = Array.from({ length: count }, (_, i): ListEntry => ({ blob: number(i), bytes: i + 1 }));
    const stored = new Map<string, Uint8Array>();
    const top = buildLists(1, leaves, (list) => {
      const name = number(1_000_000 + stored.size);
      stored.set(toHex(name), list);
      return name;
    });
    expect(top.bytes).toBe((count * (count + 1)) / 2);
    const read = (name: BlobId, bytes: number): ListEntry[] => {
      const list = decodeList(stored.get(toHex(name)) as Uint8Array, { childKind: 1 });
      expect(list.entries.reduce((sum, one) => sum + one.bytes, 0)).toBe(bytes);
      return list.level === 0 ? [...list.entries] : list.entries.flatMap((one) => read(one.blob, one.bytes));
    };
    expect(read(top.blob, top.bytes)).toEqual(leaves);
  });
});

function number(value: number): BlobId {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes as Uint8Array as BlobId;
}
