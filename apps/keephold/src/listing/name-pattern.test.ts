import fc from 'fast-check';
import { expect, test } from 'vitest';
import { namePattern } from './name-pattern.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const matches = (pattern: string, path: string) => {
  const whole = bytes(path);
  return namePattern(pattern).matches(bytes(path.slice(path.lastIndexOf('/') + 1)), () => whole);
};

test.each([
  ['tax', '/home/Tax 2025.pdf', true],
  ['a.c', '/abc', false],
  ['*.jpg', '/home/a.JPG', true],
  ['*.jpg', '/home/a.jpg.txt', false],
  ['IMG_00?4.*', '/IMG_0014.heic', true],
  ['[a-c]x', '/bx', true],
  ['[!a-c]x', '/bx', false],
  ['[!a-c]x', '/dx', true],
  ['[', '/a[b', true],
  ['[z-a]*', '/[z-a]b', true],
  ['docs/*.txt', '/docs/a.txt', false],
  ['/docs/*.txt', '/docs/a.txt', true],
  ['/docs/*.txt', '/docs/b/a.txt', false],
  ['/docs/**/*.txt', '/docs/b/c/a.txt', true],
  ['/docs/**/*.txt', '/docs/a.txt', true],
  ['**/b/*', '/docs/b/a', true],
  ['home/me', '/home/me/a', true],
  ['*ü*', '/Müller', true],
  ['💾', '/a💾b', true],
])('%s in %s: %s', (pattern, path, expected) => {
  expect(matches(pattern, path)).toBe(expected);
});

test('names that are no UTF-8 are found by what is text in them', () => {
  const name = new Uint8Array([0x61, 0x62, 0xff, 0x63]);
  expect(namePattern('ab').matches(name, () => name)).toBe(true);
  expect(namePattern('ab?c').matches(name, () => name)).toBe(true);
});

test('any text is a pattern that finds itself, and none is too much', () => {
  const text = fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom(...'ab[]!^-\\{}()|&~$.+') });
  fc.assert(
    fc.property(text, (pattern) => {
      const name = bytes(pattern);
      const found = namePattern(pattern).matches(name, () => name);
      if (!pattern.includes('[')) expect(found).toBe(true);
    }),
  );
});
