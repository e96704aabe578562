import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RotatingLog } from './rotating-log.ts';
import { withoutPaths } from './without-paths.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keephold-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const bounds = { fileBytes: 500, files: 3 };

test('it holds the newest lines in order, whatever they are, and never more than its bound', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 120 }), { maxLength: 60 }), (texts) => {
      const log = new RotatingLog(join(folder, 'log'), bounds);
      for (const [i, text] of texts.entries()) {
        // Each time a new process.
        new RotatingLog(join(folder, 'log'), bounds).append(`${i} ${text}`);
        for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(500);
      }
      expect(readdirSync(folder).length).toBeLessThanOrEqual(3);
      const numbers = log.lines().map((line) => Number(/^\d+/.exec(line)?.[0]));
      const first = texts.length - numbers.length;
      expect(numbers).toEqual(texts.slice(first).map((_, i) => first + i));
      // At least what fits into the files that are full.
      expect(numbers.length).toBeGreaterThanOrEqual(Math.min(texts.length, 2));
      log.remove();
      expect(readdirSync(folder)).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('a line that a crash cut short does not take the next one with it', () => {
  const path = join(folder, 'log');
  const log = new RotatingLog(path);
  log.append('first');
  appendFileSync(path, 'half a li');
  log.append('second\nstill second');
  expect(log.lines()).toEqual(['first', 'half a li', 'second still second']);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('what it cannot write it says', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => new RotatingLog(join(folder, 'file', 'log')).append('x')).toThrow('ENOTDIR');
});

test('paths do not get into it', () => {
  expect(withoutPaths("write the ledger: EACCES: permission denied, open '/home/ann/my secret/ledger.jsonl'")).toBe(
    'write the ledger: EACCES: permission denied, open …',
  );
  expect(withoutPaths('home: /home/ann/x cannot be watched; every backup looks at every file')).toBe(
    'home: … cannot be watched; every backup looks at every file',
  );
  expect(withoutPaths('mkdir C:\\Users\\ann and "\\\\server\\my share"')).toBe('mkdir … and …');
  expect(withoutPaths('50 KB/s and/or 10:30, https://server.example')).toBe(
    '50 KB/s and/or 10:30, https://server.example',
  );
});
