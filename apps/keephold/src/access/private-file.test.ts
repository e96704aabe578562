import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPrivateFile, readPrivateFile, writePrivateFile } from './private-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keephold-private-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);

test('what is written is read back, in a file and a folder of the owner alone', () => {
  const path = join(folder, 'a', 'b', 'key');
  writePrivateFile(path, bytes('one'));
  writePrivateFile(path, bytes('two'));
  expect(readPrivateFile(path)).toEqual(bytes('two'));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(folder, 'a', 'b'))).toEqual(['key']);
});

test('no file is undefined', () => {
  expect(readPrivateFile(join(folder, 'none'))).toBeUndefined();
});

test.skipIf(process.platform === 'win32')('a file others can read is refused', () => {
  const path = join(folder, 'key');
  writeFileSync(path, 'x', { mode: 0o600 });
  for (const mode of [0o640, 0o604, 0o620, 0o601]) {
    chmodSync(path, mode);
    expect(() => readPrivateFile(path)).toThrow(expect.objectContaining({ code: 'not-private' }));
  }
});

test.skipIf(process.platform === 'win32')('a link is not followed', () => {
  const path = join(folder, 'key');
  writeFileSync(path, 'x', { mode: 0o600 });
  symlinkSync(path, join(folder, 'link'));
  expect(() => readPrivateFile(join(folder, 'link'))).toThrow(expect.objectContaining({ code: 'ELOOP' }));
});

test('creating does not replace, and leaves nothing behind', () => {
  const path = join(folder, 'key');
  expect(createPrivateFile(path, bytes('one'))).toBe(true);
  expect(createPrivateFile(path, bytes('two'))).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('one');
  expect(readdirSync(folder)).toEqual(['key']);
});

test('what a killed writer left unfinished goes with the next write; what a living one is writing stays', () => {
  const gone = spawnSync(process.execPath, ['-e', '']).pid;
  writeFileSync(join(folder, `.new-${gone}-abc`), 'a key', { mode: 0o600 });
  writeFileSync(join(folder, `.new-${process.pid}-abc`), 'another', { mode: 0o600 });
  writePrivateFile(join(folder, 'key'), bytes('one'));
  expect(readdirSync(folder).toSorted()).toEqual([`.new-${process.pid}-abc`, 'key']);
});
