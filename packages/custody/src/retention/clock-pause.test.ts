import { describe, expect, it } from 'vitest';
import { DAY } from '../pack-state.ts';
import { isPausedByClock } from './clock-pause.ts';

const START = 20_000 * DAY + 5_000;
const at = (...days: readonly number[]): number[] => days.map((day) => START + day * DAY);

describe('isPausedByClock', () => {
  it('lets regular use pass', () => {
    expect(isPausedByClock([], START)).toBe(false);
    expect(isPausedByClock(at(0, 1, 2, 9), START + 16 * DAY)).toBe(false);
  });

  it('pauses after a gap of more than seven days', () => {
    expect(isPausedByClock(at(0), START + 7 * DAY)).toBe(false);
    expect(isPausedByClock(at(0), START + 7 * DAY + 1)).toBe(true);
  });

  it('goes on after use on three different days', () => {
    expect(isPausedByClock(at(0, 20), START + 20 * DAY + 60)).toBe(true);
    expect(isPausedByClock(at(0, 20), START + 21 * DAY)).toBe(true);
    expect(isPausedByClock(at(0, 20, 21), START + 22 * DAY)).toBe(false);
  });

  it('counts anew after another jump', () => {
    expect(isPausedByClock(at(0, 20, 21, 22, 40), START + 41 * DAY)).toBe(true);
  });
});
