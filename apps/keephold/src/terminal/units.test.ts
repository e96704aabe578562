import { expect, test } from 'vitest';
import { counted, exactTime, formatBytes, formatCount, formatDuration, formatShare, formatTime } from './units.ts';

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [999, '999 bytes'],
  [1000, '1.00 kB'],
  [9_994, '9.99 kB'],
  [9_996, '10.0 kB'],
  [99_960, '100 kB'],
  [999_499, '999 kB'],
  [999_500, '1.00 MB'],
  [3_400_000_000, '3.40 GB'],
  [2n ** 63n, '9.22 EB'],
])('%s bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('counts have separators and the right number', () => {
  expect(formatCount(1234567)).toBe('1,234,567');
  expect(formatCount(999)).toBe('999');
  expect(counted(1, 'file')).toBe('1 file');
  expect(counted(0, 'file')).toBe('0 files');
  expect(counted(2, 'directory', 'directories')).toBe('2 directories');
});

test.each([
  [400, '0.4 s'],
  [9_960, '10 s'],
  [59_400, '59 s'],
  [59_600, '1 min 00 s'],
  [200_000, '3 min 20 s'],
  [7_500_000, '2 h 05 min'],
  [273_600_000, '3 d 4 h'],
])('%s ms are %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});

test('a share is never all before it is all, nor nothing when there is something', () => {
  expect(formatShare(0, 10)).toBe('0%');
  expect(formatShare(1, 100_000)).toBe('0.1%');
  expect(formatShare(99_999, 100_000)).toBe('99%');
  expect(formatShare(10, 10)).toBe('100%');
  expect(formatShare(0, 0)).toBe('100%');
});

test('exact times keep nanoseconds, before 1970 too', () => {
  expect(exactTime(1_795_312_345_123_456_789n)).toBe('2026-11-22T01:52:25.123456789Z');
  expect(exactTime(0n)).toBe('1970-01-01T00:00:00.000000000Z');
  expect(exactTime(-1n)).toBe('1969-12-31T23:59:59.999999999Z');
  expect(exactTime(2n ** 63n * 1000n)).toBe('9223372036854775808000ns');
});

test('times for people are local', () => {
  const noon = new Date(2026, 10, 22, 12, 5, 9);
  expect(formatTime(BigInt(noon.getTime()) * 1_000_000n + 999_999n)).toBe('2026-11-22 12:05:09');
});
