import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fullPages, isAllowedPageCount, ladderPages, OutOfRangeError, packPageCounts, sealedSize } from './index.ts';

describe('pack sizes', () => {
  it('are the 28 classes of format.md for data, 20 for meta', () => {
    expect([...packPageCounts(1), fullPages(1)]).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256,
    ]);
    expect([...packPageCounts(2), fullPages(2)]).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64,
    ]);
  });

  it('are the smallest that hold what is needed', () => {
    fc.assert(
      fc.property(fc.constantFrom(1 as const, 2 as const), fc.integer({ min: 1, max: 256 }), (kind, needed) => {
        fc.pre(needed <= fullPages(kind));
        const chosen = ladderPages(kind, needed);
        expect(chosen).toBeGreaterThanOrEqual(needed);
        expect(isAllowedPageCount(kind, chosen)).toBe(true);
        for (let pages = needed; pages < chosen; pages++) expect(isAllowedPageCount(kind, pages)).toBe(false);
      }),
    );
  });

  it('refuse what no pack holds', () => {
    for (const needed of [0, -1, 1.5, 257, Number.NaN]) expect(() => ladderPages(1, needed)).toThrow(OutOfRangeError);
    expect(() => ladderPages(2, 65)).toThrow(OutOfRangeError);
    for (const pages of [0, 9, 65, 225, 512, 2.5]) expect(isAllowedPageCount(1, pages)).toBe(false);
    expect(isAllowedPageCount(2, 80)).toBe(false);
  });
});

describe('sealedSize', () => {
  const classes: number[] = [];
  for (let k = 6; k < 30; k++) for (let j = 0; j < 4; j++) classes.push((4 + j) * 2 ** k);

  it('is the smallest class that holds length field and payload', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(5000), fc.nat(2 ** 30)), (length) => {
        expect(sealedSize(length)).toBe(classes.find((size) => size >= 4 + length));
      }),
    );
    expect([0, 252, 253, 316, 317, 508, 509].map(sealedSize)).toEqual([256, 256, 320, 320, 384, 512, 640]);
  });

  it('refuses what is no length', () => {
    for (const length of [-1, 0.5, 2 ** 30 + 1, Number.NaN]) expect(() => sealedSize(length)).toThrow(OutOfRangeError);
  });
});
