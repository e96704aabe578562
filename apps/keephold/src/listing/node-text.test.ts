import type { TreeNode } from '@keephold/engine';
import type { BlobId } from '@keephold/protocol';
import { expect, test } from 'vitest';
import { contentKey, joinPath, linkText, longPrefix, modeText, nodeFields, pathRecord } from './node-text.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const node = (fields: Partial<TreeNode>): TreeNode => ({
  name: bytes('name'),
  type: 0,
  mode: 0o644,
  uid: 1000,
  gid: 100,
  mtime: 0n,
  ...fields,
});

test.each([
  [0, 0o644, '-rw-r--r--'],
  [1, 0o755, 'drwxr-xr-x'],
  [2, 0o777, 'lrwxrwxrwx'],
  [0, 0o4755, '-rwsr-xr-x'],
  [0, 0o2644, '-rw-r-Sr--'],
  [1, 0o1777, 'drwxrwxrwt'],
  [1, 0o1770, 'drwxrwx--T'],
] as const)('type %i mode %i is %s', (type, mode, text) => {
  expect(modeText({ type, mode })).toBe(text);
});

test('a long line has owner, size and time; what a name hides is shown', () => {
  const time = BigInt(new Date(2026, 0, 2, 3, 4, 5).getTime()) * 1_000_000n;
  expect(longPrefix(node({ size: 12, user: bytes('me\x1b'), mtime: time }))).toBe(
    `-rw-r--r--  ${'me\\x1b 100'.padEnd(16)}  ${'12'.padStart(13)}  2026-01-02 03:04:05  `,
  );
  expect(linkText(node({ type: 2, linkTarget: bytes('../a\nb') }))).toBe(' -> ../a\\nb');
  expect(longPrefix(node({ type: 5, device: [8, 1] }))).toContain(' 8,1  ');
});

test('records are exact', () => {
  expect(nodeFields(node({ size: 2 ** 40, user: bytes('me'), mtime: 1n, note: 'live' }))).toEqual({
    kind: 'file',
    mode: '0644',
    uid: 1000,
    gid: 100,
    user: 'me',
    mtime: '1970-01-01T00:00:00.000000001Z',
    size: 2 ** 40,
    note: 'live',
  });
  expect(pathRecord(bytes('home/\xff'))).toEqual({ path: '/home/\ufffd', pathBytes: 'L2hvbWUv/w==' });
});

test('paths join at the root and below it', () => {
  expect(joinPath(bytes(''), bytes('a'))).toEqual(bytes('a'));
  expect(joinPath(bytes('a'), bytes('b'))).toEqual(bytes('a/b'));
  expect(joinPath(bytes('a'), bytes(''))).toEqual(bytes('a'));
});

test('equal content has equal keys', () => {
  const blob = (fill: number) => new Uint8Array(32).fill(fill) as BlobId;
  const parts = (...fills: number[]) => node({ content: fills.map((fill) => ({ blob: blob(fill), length: 1 })) });
  expect(contentKey(parts(1, 2))).toBe(contentKey(parts(1, 2)));
  expect(contentKey(parts(1, 2))).not.toBe(contentKey(parts(2, 1)));
  expect(contentKey(node({ content: blob(1) }))).not.toBe(contentKey(parts(2)));
  expect(contentKey(node({}))).toBe('');
});
