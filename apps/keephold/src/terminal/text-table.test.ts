import { expect, test } from 'vitest';
import { displayWidth, formatTable, keepEnd } from './text-table.ts';

test('columns are as wide as their widest cell, numbers stand to the right', () => {
  const table = {
    headings: ['ID', 'Size'],
    rows: [
      ['ab12', '9 bytes'],
      ['家', '12.3 MB'],
    ],
    right: ['Size'],
  };
  expect(formatTable(table).split('\n')).toEqual([
    'ID       Size',
    '────  ───────',
    'ab12  9 bytes',
    '家    12.3 MB',
    '',
  ]);
});

test('display width counts columns, not characters', () => {
  expect(displayWidth('abc')).toBe(3);
  expect(displayWidth('家族')).toBe(4);
  expect(displayWidth('e\u0301')).toBe(1);
  expect(displayWidth('🎂')).toBe(2);
});

test('what is too long keeps its end', () => {
  expect(keepEnd('/home/me/file.txt', 9)).toBe('…file.txt');
  expect(keepEnd('short', 9)).toBe('short');
  expect(displayWidth(keepEnd('家族家族家族', 6))).toBeLessThanOrEqual(6);
  expect(keepEnd('abc', 0)).toBe('');
});
