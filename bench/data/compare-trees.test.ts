import { chmodSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { differences, fingerprint } from './compare-trees.ts';

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'compare-trees-'));
  mkdirSync(join(root, 'a/deep'), { recursive: true });
  for (const name of ['a/one', 'a/deep/two']) writeFileSync(join(root, name), name);
  for (const name of ['a/one', 'a/deep/two', 'a/deep', 'a']) utimesSync(join(root, name), 1.5e9, 1.5e9);
  cpSync(join(root, 'a'), join(root, 'b'), { recursive: true, preserveTimestamps: true });
  for (const name of ['b/deep', 'b']) utimesSync(join(root, name), 1.5e9, 1.5e9);
});

afterEach(() => rmSync(root, { recursive: true }));

const compare = () => differences(fingerprint(join(root, 'a')), fingerprint(join(root, 'b')));

test('a copy with all times is equal', () => {
  expect(compare()).toEqual([]);
});

test.each<readonly [string, () => void, RegExp]>([
  ['content', () => rewrite('b/one', 'a/onE'), /differs: one/],
  ['a mode', () => chmodSync(join(root, 'b/deep/two'), 0o600), /differs: deep\/two/],
  ['a time', () => utimesSync(join(root, 'b/deep'), 1.5e9, 1.5e9 + 0.001), /differs: deep/],
  ['a missing file', () => rmSync(join(root, 'b/one')), /missing: one/],
  ['an additional file', () => writeFileSync(join(root, 'b/more'), ''), /not in the source: more/],
  ['a moved file', () => renameSync(join(root, 'b/one'), join(root, 'b/two')), /missing: one/],
])('%s is noticed', (_what, damage, message) => {
  damage();
  expect(compare().join('\n')).toMatch(message);
});

function rewrite(name: string, content: string): void {
  writeFileSync(join(root, name), content);
  utimesSync(join(root, name), 1.5e9, 1.5e9);
}

test('many differences are cut', () => {
  for (let i = 0; i < 9; i++) writeFileSync(join(root, `b/more${i}`), '');
  expect(compare()).toHaveLength(6);
});
