import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { leftOutBelow } from './left-out.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keephold-left-out-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const write = (path: string, content: string) => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), content);
};

test('rules, caches and .nobackup leave out what a backup leaves out', () => {
  write('cache/CACHEDIR.TAG', 'Signature: 8a477f597d28d172789f06886806bc55\n');
  write('cache/big', 'x');
  write('fake/CACHEDIR.TAG', 'no signature');
  write('private/.nobackup', '');
  const isLeftOut = leftOutBelow(folder, { rules: ['*.iso'], files: [], cachedirTag: true, nobackup: true }, [
    Buffer.from('mine/repository'),
  ]);
  const answer = (path: string, isDirectory = false) => isLeftOut(bytes(path), isDirectory);
  expect(answer('disk.iso')).toBe(true);
  expect(answer('deep/disk.iso')).toBe(true);
  expect(answer('cache', true)).toBe(false);
  expect(answer('cache/CACHEDIR.TAG')).toBe(false);
  expect(answer('cache/big')).toBe(true);
  expect(answer('fake/big')).toBe(false);
  expect(answer('private/.nobackup')).toBe(true);
  expect(answer('plain')).toBe(false);
  expect(answer('mine/repository', true)).toBe(true);
  expect(answer('mine/repository/packs', true)).toBe(true);
  expect(answer('mine/repository-too', true)).toBe(false);
});
