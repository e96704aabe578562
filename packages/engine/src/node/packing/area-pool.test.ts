import { expect, test } from 'vitest';
import { AreaGrowth } from './area-growth.ts';
import { AreaPool, createSharedAreaPool } from './area-pool.ts';

const MIB = 1024 * 1024;

test('areas that are not open are not taken until they are', () => {
  const pool = new AreaPool(createSharedAreaPool({ open: 2, most: 3 }));
  const taken = [pool.tryTake(), pool.tryTake()];
  expect(taken.map((area) => pool.indexOf(area!))).toEqual([0, 1]);
  expect(pool.missed).toBe(0);
  expect(pool.tryTake()).toBeUndefined();
  expect(pool.missed).toBe(1);
  pool.open();
  expect(pool.indexOf(pool.tryTake()!)).toBe(2);
  // There is no fourth.
  pool.open();
  expect(pool.tryTake()).toBeUndefined();
  pool.release(1);
  expect(pool.indexOf(pool.take())).toBe(1);
});

interface Run {
  /** Milliseconds that workers wait for areas while a pack is made, which takes 100. */
  readonly waited: number;
  readonly resident: number;
  /** Packs of ten that found no free area. */
  readonly missed?: number;
}

function openedAfter(packs: number, { waited, resident, missed = 0 }: Run): number {
  let opened = 0;
  let made = 0;
  const growth = new AreaGrowth({
    pool: {
      get waitedMs() {
        return made * waited;
      },
      get missed() {
        return Math.floor((made * missed) / 10);
      },
      open: () => {
        opened++;
      },
    },
    memory: 256 * MIB,
    residentBytes: () => resident,
    now: () => made * 100,
  });
  for (; made < packs; ) {
    made++;
    growth.notePack();
  }
  return opened;
}

test('an area is opened where workers wait long or find none, and the memory is there', () => {
  expect(openedAfter(4, { waited: 50, resident: 200 * MIB })).toBe(1);
  expect(openedAfter(40, { waited: 50, resident: 200 * MIB })).toBe(10);
  expect(openedAfter(40, { waited: 50, resident: 240 * MIB })).toBe(0);
  expect(openedAfter(40, { waited: 10, resident: 200 * MIB })).toBe(0);
  expect(openedAfter(40, { waited: 0, missed: 10, resident: 200 * MIB })).toBe(10);
  expect(openedAfter(40, { waited: 0, missed: 2, resident: 200 * MIB })).toBe(0);
});
