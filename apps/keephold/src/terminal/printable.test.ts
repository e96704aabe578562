import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable, printableMessage } from './printable.ts';

test.each([
  ['plain.txt', 'plain.txt'],
  ['Grüße 家族 🎂.jpg', 'Grüße 家族 🎂.jpg'],
  ['a\x1b[2Jb', 'a\\x1b[2Jb'],
  ['line\nbreak\ttab', 'line\\nbreak\\ttab'],
  ['back\\slash', 'back\\\\slash'],
  ['\u202egpj.exe', '\\u{202e}gpj.exe'],
  ['\u009b31m', '\\x9b31m'],
])('%j is shown as %s', (name, shown) => {
  expect(printable(new TextEncoder().encode(name))).toBe(shown);
});

test('bytes that are no UTF-8 are shown as what they are', () => {
  expect(printable(Uint8Array.of(0x61, 0xff))).toBe('a\\xff');
});

test('nothing that a terminal obeys comes out, and different names look different', () => {
  const any = fc.uint8Array({ maxLength: 24 });
  fc.assert(
    fc.property(any, any, (a, b) => {
      expect(printable(a)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      expect(printable(a) === printable(b)).toBe(Buffer.compare(a, b) === 0);
    }),
  );
});

test('messages keep their backslashes', () => {
  expect(printableMessage('C:\\Users \x1b[0m')).toBe('C:\\Users \\x1b[0m');
});
