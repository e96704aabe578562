import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DayWindow, isWithin, nextStart, parseDayWindow } from './day-window.ts';

function windowOf(text: string): DayWindow {
  const window = parseDayWindow(text);
  if (window === undefined) throw new Error(`${text} is no window`);
  return window;
}

function at(time: string): Date {
  return new Date(`2026-11-26T${time}:00`);
}

test.each(['22:00-06:00', '00:00-24:00', '09:30-09:31'])('%s is a time of day', (text) => {
  expect(parseDayWindow(text)).toBe(text);
});

test.each(['', '22:00', '22-6', '24:00-06:00', '09:00-09:00', '9:00-10:00', '00:00-24:30', '00:60-01:00'])(
  '"%s" is none',
  (text) => {
    expect(parseDayWindow(text)).toBeUndefined();
  },
);

test.each([
  ['22:00-06:00', '21:59', false],
  ['22:00-06:00', '22:00', true],
  ['22:00-06:00', '05:59', true],
  ['22:00-06:00', '06:00', false],
  ['09:00-17:00', '09:00', true],
  ['09:00-17:00', '17:00', false],
  ['18:00-24:00', '23:59', true],
])('%s has %s in it: %s', (text, time, within) => {
  expect(isWithin(windowOf(text), at(time))).toBe(within);
});

const minute = fc.integer({ min: 0, max: 24 * 60 - 1 });

test('the next start is later, within a day and an hour, and in the window, whatever the clock skips', () => {
  const window = fc
    .tuple(minute, minute)
    .filter(([from, to]) => from !== to)
    .map((ends) => windowOf(ends.map(clock).join('-')));
  const now = fc.date({
    min: new Date('2026-01-01T00:00:00'),
    max: new Date('2027-12-31T00:00:00'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(window, now, (some, moment) => {
      const start = nextStart(some, moment);
      expect(start.getTime()).toBeGreaterThan(moment.getTime());
      expect(start.getTime() - moment.getTime()).toBeLessThanOrEqual(25 * 3_600_000);
      // A time that summer time skips opens the window with the next that is there.
      expect(isWithin(some, start) || start.getMinutes() !== Number(some.slice(3, 5)) || isSkipped(some, start)).toBe(
        true,
      );
    }),
  );
});

function isSkipped(window: DayWindow, start: Date): boolean {
  return start.getHours() !== Number(window.slice(0, 2));
}

function clock(minutes: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
