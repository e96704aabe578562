import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChangedFolders } from '@keephold/engine/node';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { formatChangedFolders, readChangedFolders } from './changed-folders.ts';

const place = mkdtempSync(join(tmpdir(), 'keephold-told-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

function read(text: string): ReturnType<typeof readChangedFolders> {
  const file = join(place, 'changed.json');
  writeFileSync(file, text);
  return readChangedFolders(file);
}

const whole = { version: 1, since: 'ab'.repeat(32), folders: ['/home/ann', '/'], trees: ['/home/\udce9'] };

test('paths are bytes, the root of the file system is empty', () => {
  const { since, folders, trees } = read(JSON.stringify(whole)) as ChangedFolders;
  expect(Buffer.from(since).toString('hex')).toBe(whole.since);
  expect(folders.map((path) => Buffer.from(path).toString())).toEqual(['/home/ann', '']);
  expect(trees.map((path) => Buffer.from(path).toString('latin1'))).toEqual(['/home/\xe9']);
});

test('what is written is read back', () => {
  const paths = fc.array(
    fc
      .array(
        fc
          .uint8Array({ minLength: 1, maxLength: 5 })
          .map((name) => name.map((byte) => (byte === 0x2f || byte === 0 || byte === 0x2e ? 1 : byte))),
      )
      .map((names) => new Uint8Array(Buffer.concat(names.flatMap((name) => [Buffer.from('/'), name])))),
  );
  const since = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(since, paths, paths, (id, folders, trees) => {
      expect(read(formatChangedFolders({ since: id, folders, trees }))).toEqual({ since: id, folders, trees });
    }),
    { numRuns: 50 },
  );
});

test.each([
  ['that is cut short', JSON.stringify(whole).slice(0, -1)],
  ['of another version', JSON.stringify({ ...whole, version: 2 })],
  ['without a snapshot', JSON.stringify({ ...whole, since: '' })],
  ['without trees', JSON.stringify({ ...whole, trees: undefined })],
  ['with a relative path', JSON.stringify({ ...whole, folders: ['a'] })],
  ['with a path that is not plain', JSON.stringify({ ...whole, folders: ['/a/../b'] })],
  ['with a slash at the end of a path', JSON.stringify({ ...whole, folders: ['/a/'] })],
  ['with something else for a path', JSON.stringify({ ...whole, folders: [7] })],
])('nothing is believed of a file %s', (_, text) => {
  expect(read(text)).toBeUndefined();
});

test('an empty file says that nothing is known', () => {
  expect(read('')).toBe('nothing-known');
});

test('nor of one that is not there', () => {
  expect(readChangedFolders(join(place, 'none'))).toBeUndefined();
});
