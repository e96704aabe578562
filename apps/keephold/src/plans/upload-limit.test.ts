import { expect, test } from 'vitest';
import { limitAt, limitInWords, readUploadLimit, type UploadLimit } from './upload-limit.ts';

function limits(...texts: readonly string[]): readonly UploadLimit[] {
  return texts.map((text) => {
    const limit = readUploadLimit(text);
    if (limit === undefined) throw new Error(text);
    return limit;
  });
}

/** In local time, as everything about times of day. */
function at(hours: number, minutes = 0): Date {
  return new Date(2026, 5, 10, hours, minutes);
}

test('the limit of a time of day counts in it, and what is always said at other times', () => {
  const all = limits('2MB', '09:00-17:00=500KB', '22:00-06:00=off', '12:00-13:00=1MiB');
  expect(limitAt(all, at(8, 59))).toBe(2e6);
  expect(limitAt(all, at(9))).toBe(500e3);
  // Of two, the lower one.
  expect(limitAt(all, at(12, 30))).toBe(500e3);
  expect(limitAt(all, at(17))).toBe(2e6);
  expect(limitAt(all, at(23))).toBe(Number.POSITIVE_INFINITY);
  expect(limitAt(all, at(5, 59))).toBe(Number.POSITIVE_INFINITY);
  expect(limitAt(limits('09:00-17:00=500KB'), at(18))).toBe(Number.POSITIVE_INFINITY);
  expect(limitAt([], at(18))).toBe(Number.POSITIVE_INFINITY);
});

test('what is no limit is not taken for one', () => {
  for (const text of [
    '',
    'fast',
    '0',
    '999',
    '-5MB',
    '9:00-17:00=1MB',
    '09:00-17:00',
    '09:00-09:00=1MB',
    '2MB=2MB',
    '09:00-17:00=1MB=2',
    'off=off',
    '2 MB/s',
  ])
    expect([text, readUploadLimit(text)]).toEqual([text, undefined]);
});

test('in words', () => {
  expect(limits('2M', '09:00-17:00=500K', '22:00-06:00=off').map(limitInWords)).toEqual([
    'at most 2.00 MB a second',
    'at most 500 kB a second between 09:00-17:00',
    'without a limit between 22:00-06:00',
  ]);
});
