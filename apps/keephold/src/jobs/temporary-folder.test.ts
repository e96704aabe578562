import { chmodSync, existsSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { removeTree, temporaryFolderFor } from './temporary-folder.ts';

const wanted = { prefix: 'keephold-test-', hint: 'make room' };

test('the first place with room is taken, for its owner alone', () => {
  const folder = temporaryFolderFor({ ...wanted, bytes: 1000, places: ['/dev/null/nowhere', tmpdir()] });
  expect(dirname(folder)).toBe(tmpdir());
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  removeTree(folder);
});

test('no room anywhere is an error of its own', () => {
  expect(() => temporaryFolderFor({ ...wanted, bytes: 1e18, places: [tmpdir()] })).toThrow(
    expect.objectContaining({ exitCode: 11, hint: 'make room' }),
  );
});

test('folders that forbid everything are removed as well', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keephold-remove-'));
  const closed = join(folder, 'a', 'b');
  mkdirSync(closed, { recursive: true });
  writeFileSync(join(closed, 'file'), 'x');
  chmodSync(closed, 0);
  chmodSync(dirname(closed), 0o500);
  removeTree(folder);
  expect(existsSync(folder)).toBe(false);
});
