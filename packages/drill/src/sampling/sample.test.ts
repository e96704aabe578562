import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawKey, pathMark } from './draw-key.ts';
import { Sample, type SampleBudget } from './sample.ts';
import { drillWeight } from './weight.ts';

interface Offered {
  readonly key: number;
  readonly size: number;
}

function drawn(offered: readonly Offered[], budget: SampleBudget): Offered[] {
  const sample = new Sample<Offered>(budget);
  for (const one of offered) sample.offer(one.key, one.size, () => one);
  return sample.take();
}

const offers = fc.array(
  fc.record({ key: fc.double({ min: 0, max: 1, noNaN: true }), size: fc.integer({ min: 1, max: 50 }) }),
);
const budgets = fc.record({ bytes: fc.integer({ min: 1, max: 120 }), files: fc.integer({ min: 1, max: 12 }) });
const sum = (files: readonly Offered[]): number => files.reduce((total, { size }) => total + size, 0);

describe('a sample', () => {
  test('stays within its budget, takes the smallest keys first, and is the same in any order', () => {
    fc.assert(
      fc.property(offers, budgets, (offered, budget) => {
        const unique = [...new Map(offered.map((one) => [one.key, one])).values()];
        const taken = drawn(unique, budget);
        expect(sum(taken)).toBeLessThanOrEqual(budget.bytes);
        expect(taken.length).toBeLessThanOrEqual(budget.files);
        expect(drawn(unique.toReversed(), budget)).toEqual(taken);
        // Whatever would have fitted first is there.
        const fitting = unique.filter(({ size }) => size <= budget.bytes).toSorted((a, b) => a.key - b.key);
        expect(taken[0]).toEqual(fitting[0]);
      }),
    );
  });

  test('counts what it met and what is larger than all of it', () => {
    const sample = new Sample<string>({ bytes: 10, files: 5 });
    for (const size of [4, 20, 5]) sample.offer(size / 100, size, () => `of ${size}`);
    sample.offer(Number.POSITIVE_INFINITY, 1, () => 'never');
    expect(sample.take()).toEqual(['of 4', 'of 5']);
    expect([sample.met, sample.tooLarge]).toEqual([
      { files: 3, bytes: 29 },
      { files: 1, bytes: 20 },
    ]);
  });

  test('keeps no more than it may take, whatever it meets', () => {
    const sample = new Sample<number>({ bytes: 1000, files: 10 });
    let asked = 0;
    for (let i = 0; i < 20_000; i++) {
      sample.offer(((i * 7919) % 20_011) / 20_011, 300, () => {
        asked++;
        return i;
      });
    }
    // Those that came into it for a while: a few in each doubling of what was met.
    expect(asked).toBeLessThan(200);
    expect(sample.take().length).toBe(3);
  });
});

const path = (text: string): Buffer => Buffer.from(text);

describe('the draw', () => {
  test('is fixed by seed and path', () => {
    expect(drawKey(1, path('a/b'), 2)).toBe(drawKey(1, path('a/b'), 2));
    expect(drawKey(1, path('a/b'), 2)).not.toBe(drawKey(2, path('a/b'), 2));
    expect(drawKey(1, path('a/b'), 0)).toBe(Number.POSITIVE_INFINITY);
    expect(pathMark(path('a/b'))).toMatch(/^[0-9a-f]{16}$/);
  });

  test('draws by weight: one of ten times the weight comes about ten times as often', () => {
    let heavy = 0;
    for (let seed = 0; seed < 3000; seed++) {
      if (drawKey(seed, path('heavy'), 10) < drawKey(seed, path('light'), 1)) heavy++;
    }
    // 10 / 11 of them; five standard deviations around it.
    expect(Math.abs(heavy - (3000 * 10) / 11)).toBeLessThan(80);
  });
});

describe('the weight', () => {
  const now = 1_790_000_000_000_000_000n;
  const year = 31_557_600_000_000_000n;
  const weigh = (name: string, { size = 50_000, age = 0n, wasDrilled = false } = {}): number =>
    drillWeight({ path: path(name), size, mtime: now - age * year }, { snapshotTime: now, wasDrilled });

  test('is higher for what is precious, large, old, or was never drilled', () => {
    for (const name of ['a.pdf', 'a.JPG', 'a.sqlite', 'x.y/a.docx'])
      expect(weigh(name)).toBeGreaterThan(5 * weigh('a.c'));
    expect(weigh('a.pdf', { size: 5_000_000 })).toBeGreaterThan(2 * weigh('a.pdf'));
    expect(weigh('a.pdf', { age: 5n })).toBeGreaterThan(2 * weigh('a.pdf'));
    expect(weigh('a.pdf', { wasDrilled: true })).toBeLessThan(weigh('a.pdf') / 2);
  });

  test('is nothing for what is empty, and something for all else', () => {
    expect(weigh('a.pdf', { size: 0 })).toBe(0);
    for (const name of ['', 'pdf', '.pdf', 'a.', 'a.thisisnoextension', 'a.pdf/b'])
      expect(weigh(name)).toBeGreaterThan(0);
    // A time in the future is no age.
    expect(weigh('a', { age: -50n })).toBe(weigh('a'));
  });
});
