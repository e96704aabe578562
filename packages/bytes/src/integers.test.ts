import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OutOfRangeError, readU32, readU64, toHex, u32be, u32le, writeU32, writeU64 } from './index.ts';

it('reads the u32 it wrote, little-endian', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), fc.nat(5), (value, offset) => {
      const bytes = new Uint8Array(offset + 4);
      writeU32(bytes, offset, value);
      expect(readU32(bytes, offset)).toBe(value);
      expect(new DataView(bytes.buffer).getUint32(offset, true)).toBe(value);
    }),
  );
});

it('reads the u64 it wrote, little-endian', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(5), (value, offset) => {
      const bytes = new Uint8Array(offset + 8);
      writeU64(bytes, offset, value);
      expect(readU64(bytes, offset)).toBe(value);
      expect(new DataView(bytes.buffer).getBigUint64(offset, true)).toBe(value);
    }),
  );
});

it('makes four bytes in either order', () => {
  expect(toHex(u32le(0x01020304))).toBe('04030201');
  expect(toHex(u32be(0x01020304))).toBe('01020304');
});

it('refuses what does not fit', () => {
  const bytes = new Uint8Array(8);
  for (const value of [-1, 2 ** 32, 0.5, Number.NaN]) expect(() => writeU32(bytes, 0, value)).toThrow(OutOfRangeError);
  for (const value of [-1n, 2n ** 64n]) expect(() => writeU64(bytes, 0, value)).toThrow(OutOfRangeError);
  for (const offset of [-1, 5, 0.5, Number.NaN]) expect(() => readU32(bytes, offset)).toThrow(OutOfRangeError);
  expect(() => readU64(bytes, 1)).toThrow(OutOfRangeError);
  expect(() => writeU64(bytes, 1, 0n)).toThrow(OutOfRangeError);
});
