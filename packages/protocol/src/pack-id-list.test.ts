import { concatBytes, fromHex, toHex } from '@keephold/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/format-v1.json' with { type: 'json' };
import { MalformedRecordError } from './errors.ts';
import {
  applyRefsetDelta,
  checkPackIdList,
  containsPackId,
  intersectPackIds,
  packIdAt,
  packIdCount,
  refsetDelta,
  sortPackIds,
  subtractPackIds,
  unionPackIds,
} from './pack-id-list.ts';
import { packsDigestInput, refsetDigestInput } from './signing-texts.ts';

// Few distinct ids, so that sets overlap.
const id = fc.tuple(fc.constantFrom(0, 1, 127, 255), fc.constantFrom(0, 1, 2)).map(([first, last]) => {
  const bytes = new Uint8Array(32);
  bytes[0] = first;
  bytes[31] = last;
  return bytes;
});
const ids = fc.array(id, { maxLength: 14 });
const hexes = (list: Uint8Array): string[] =>
  Array.from({ length: packIdCount(list) }, (_, index) => toHex(packIdAt(list, index)));
const sorted = (set: Iterable<string>): string[] => [...new Set(set)].sort();
const sha256 = async (parts: readonly Uint8Array[]): Promise<string> =>
  toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', concatBytes(...parts))));

describe('pack id lists', () => {
  it('behave as sets of strings do', () => {
    fc.assert(
      fc.property(ids, ids, id, (left, right, probe) => {
        const a = sortPackIds(left);
        const b = sortPackIds(right);
        const setA = new Set(left.map(toHex));
        const setB = new Set(right.map(toHex));
        checkPackIdList(a);
        expect(hexes(a)).toEqual(sorted(setA));
        expect(hexes(unionPackIds(a, b))).toEqual(sorted([...setA, ...setB]));
        expect(hexes(subtractPackIds(a, b))).toEqual(sorted([...setA].filter((entry) => !setB.has(entry))));
        expect(hexes(intersectPackIds(a, b))).toEqual(sorted([...setA].filter((entry) => setB.has(entry))));
        expect(containsPackId(a, probe)).toBe(setA.has(toHex(probe)));
      }),
    );
  });

  it('rebuild a refset from its delta', () => {
    fc.assert(
      fc.property(ids, ids, (left, right) => {
        const base = sortPackIds(left);
        const target = sortPackIds(right);
        expect(applyRefsetDelta(base, refsetDelta(3, base, target))).toEqual(target);
      }),
    );
  });

  it('refuse a delta that does not fit its base', () => {
    const one = sortPackIds([new Uint8Array(32).fill(1)]);
    const two = sortPackIds([new Uint8Array(32).fill(2)]);
    const none = new Uint8Array(0);
    expect(() => applyRefsetDelta(one, { parentSeq: 1, added: one, removed: none })).toThrow(MalformedRecordError);
    expect(() => applyRefsetDelta(one, { parentSeq: 1, added: none, removed: two })).toThrow(MalformedRecordError);
    const unsorted = concatBytes(two, one);
    expect(() => applyRefsetDelta(none, { parentSeq: 1, added: unsorted, removed: none })).toThrow(
      MalformedRecordError,
    );
  });

  it('refuse what is cut, unsorted or repeated', () => {
    const one = new Uint8Array(32).fill(1);
    const two = new Uint8Array(32).fill(2);
    for (const bad of [new Uint8Array(31), concatBytes(two, one), concatBytes(one, one)]) {
      expect(() => checkPackIdList(bad)).toThrow(MalformedRecordError);
    }
    expect(() => sortPackIds([new Uint8Array(31)])).toThrow(MalformedRecordError);
  });

  it('hash to the digests of the vectors', async () => {
    const packs = [vectors.V.packOnePage, vectors.V.packTwoPages, vectors.V.packMeta].map((pack) =>
      fromHex(pack.packId),
    );
    const list = sortPackIds(packs);
    const refset = sortPackIds([new Uint8Array(32).fill(0xee), ...packs]);
    expect(hexes(refset)).toEqual(vectors.V.refsetDigest.sorted);
    expect(await sha256(packsDigestInput(list))).toBe(vectors.V.packsDigest.digest);
    expect(await sha256(refsetDigestInput(refset))).toBe(vectors.V.refsetDigest.digest);
    expect(await sha256(packsDigestInput(new Uint8Array(0)))).toBe(vectors.V.packsDigest.emptySet);
    expect(await sha256(refsetDigestInput(new Uint8Array(0)))).toBe(vectors.V.refsetDigest.emptySet);
  });
});
