import { expect, it } from 'vitest';
import { touchesProtected } from './protected-paths.ts';

const at = (path: string): Uint8Array => Buffer.from(path);

it.each([
  ['a/repo', true],
  ['a/repo/packs/x', true],
  ['a', true],
  ['', true],
  ['a/repository', false],
  ['a/rep', false],
  ['b', false],
])('knows whether %j holds or is in what is protected', (path, expected) => {
  expect(touchesProtected([at('a/repo')], at(path))).toBe(expected);
});

it('protects nothing where nothing is named', () => {
  expect(touchesProtected([], at('a'))).toBe(false);
});
