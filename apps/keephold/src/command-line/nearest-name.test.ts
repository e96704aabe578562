import { expect, test } from 'vitest';
import { nearestName } from './nearest-name.ts';

const names = ['backup', 'check', 'restore', 'snapshots'];

test.each([
  ['bakcup', 'backup'],
  ['chek', 'check'],
  ['snap', 'snapshots'],
  ['restoer', 'restore'],
])('%s means %s', (written, meant) => {
  expect(nearestName(written, names)).toBe(meant);
});

test('what is near nothing means nothing', () => {
  expect(nearestName('photosynthesis', names)).toBeUndefined();
  expect(nearestName('zz', names)).toBeUndefined();
});
