import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { limitStandstill } from './time-limit.ts';

const MINUTE = 60_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('leaves alone what moves, however long it takes, and ends what stands still', () => {
  const { signal, moved } = limitStandstill(10 * MINUTE);
  for (let minutes = 0; minutes < 180; minutes += 9) {
    vi.advanceTimersByTime(9 * MINUTE);
    moved();
  }
  expect(signal.aborted).toBe(false);
  vi.advanceTimersByTime(10 * MINUTE);
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
});

it('is not held for days by a byte now and then', () => {
  const { signal, moved } = limitStandstill(10 * MINUTE);
  for (let minutes = 0; minutes < 361; minutes += 9) {
    vi.advanceTimersByTime(9 * MINUTE);
    moved();
  }
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
});

it('keeps no process running when the request is over', () => {
  const { moved, end } = limitStandstill(MINUTE);
  moved();
  end();
  expect(vi.getTimerCount()).toBe(0);
});
