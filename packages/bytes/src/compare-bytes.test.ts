import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareBytes, concatBytes, equalBytes, toHex } from './index.ts';

it('orders as the hex forms are ordered', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      const expected = toHex(a) < toHex(b) ? -1 : toHex(a) > toHex(b) ? 1 : 0;
      expect(Math.sign(compareBytes(a, b))).toBe(expected);
      expect(equalBytes(a, b)).toBe(expected === 0);
    }),
  );
});

it('joins parts in order and shares no memory with them', () => {
  const only = new Uint8Array([1, 2]);
  const joined = concatBytes(only);
  joined[0] = 9;
  expect(only).toEqual(new Uint8Array([1, 2]));
  expect(concatBytes()).toEqual(new Uint8Array());
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (parts) => {
      expect(toHex(concatBytes(...parts))).toBe(parts.map(toHex).join(''));
    }),
  );
});
