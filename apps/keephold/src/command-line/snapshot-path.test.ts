import { expect, test } from 'vitest';
import { UsageError } from '../errors.ts';
import { parseSnapshotPath } from './snapshot-path.ts';

const parsed = (written: string) => {
  const { snapshot, path, hasPath } = parseSnapshotPath(written);
  return [snapshot, Buffer.from(path).toString('latin1'), hasPath];
};

test.each([
  ['latest', 'latest', '', false],
  ['latest:', 'latest', '', true],
  ['latest:/', 'latest', '', true],
  ['latest:/home/me/a:b:c', 'latest', 'home/me/a:b:c', true],
  ['latest:C:/Users', 'latest', 'C:/Users', true],
  ['latest:home//./me/', 'latest', 'home/me', true],
  ['#12:/a', '#12', 'a', true],
  ['3fa9:/a', '3fa9', 'a', true],
  ['3FA9', '3FA9', '', false],
  ['latest:/a\udcff', 'latest', 'a\xff', true],
])('reads %s', (written, snapshot, path, hasPath) => {
  expect(parsed(written)).toEqual([snapshot, path, hasPath]);
});

test.each(['', ':/a', 'newest', '/home/me', 'latest/home', '#', '#x', 'latest:/a/../b', 'latest:..'])(
  'refuses "%s"',
  (written) => {
    expect(() => parseSnapshotPath(written)).toThrow(UsageError);
  },
);
