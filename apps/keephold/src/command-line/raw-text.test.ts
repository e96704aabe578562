import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesFromRawText, exactArguments, rawTextFromBytes } from './raw-text.ts';

test('any bytes become text and the same bytes again', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(bytesFromRawText(rawTextFromBytes(bytes))).toEqual(bytes);
    }),
  );
});

test('UTF-8 becomes the text it means', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(rawTextFromBytes(new TextEncoder().encode(text))).toBe(text);
    }),
  );
  expect(rawTextFromBytes(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
});

test('bytes that are no UTF-8 become one surrogate each', () => {
  expect(rawTextFromBytes(Uint8Array.of(0x61, 0xff, 0xc3, 0x62))).toBe('a\udcff\udcc3b');
  // A surrogate written as UTF-8 (CESU) is not UTF-8.
  expect(bytesFromRawText(rawTextFromBytes(Uint8Array.of(0xed, 0xb2, 0x80)))).toEqual(Uint8Array.of(0xed, 0xb2, 0x80));
});

const commandLine = (...args: (string | number[])[]): Uint8Array => {
  return Uint8Array.from(args.flatMap((arg) => [...(typeof arg === 'string' ? Buffer.from(arg) : arg), 0]));
};

test('arguments get their exact bytes back from the system', () => {
  const raw = commandLine('node', 'keephold.ts', 'ls', [0x61, 0xe9]);
  expect(exactArguments(['ls', 'a\ufffd'], () => raw)).toEqual(['ls', 'a\udce9']);
});

test('arguments stay as they are where the system does not know better', () => {
  expect(exactArguments(['a\ufffd'], () => undefined)).toEqual(['a\ufffd']);
  expect(exactArguments(['a\ufffd'], () => commandLine('node', 'other'))).toEqual(['a\ufffd']);
  const neverRead = (): never => {
    throw new Error('read');
  };
  expect(exactArguments(['plain', 'ä'], neverRead)).toEqual(['plain', 'ä']);
});
