import * as cborg from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CborError, type CborValue, decodeCbor, encodeCbor, fromHex, toHex } from './index.ts';

const integer = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }),
  fc.constantFrom(23, 24, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, -24, -25, -256, -257, -(2n ** 53n), 2n ** 53n),
);
const { value: anyValue } = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    integer,
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.array(fc.tuple(fc.maxSafeInteger().map(Math.abs), tie('value'))).map((pairs) => new Map(pairs)),
    fc
      .uniqueArray(fc.tuple(fc.uint8Array({ maxLength: 30 }), tie('value')), { selector: ([key]) => toHex(key) })
      .map((pairs) => new Map(pairs)),
  ),
}));
const CBORG_STRICT = { strict: true, useMaps: true, rejectDuplicateMapKeys: true, allowIndefinite: false };

/** The value as decoding gives it: safe integers are numbers. Map order is compared through the encoding. */
function normal(value: CborValue): unknown {
  if (typeof value === 'bigint' && BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)))
    return Number(value);
  if (Array.isArray(value)) return value.map(normal);
  if (value instanceof Map) return [...value].map(([key, item]) => [key, normal(item)]).sort(byEncodedKey);
  return value;
}

function byEncodedKey(a: readonly unknown[], b: readonly unknown[]): number {
  return toHex(encodeCbor(a[0] as CborValue)) < toHex(encodeCbor(b[0] as CborValue)) ? -1 : 1;
}

describe('CBOR', () => {
  it('decodes what it encoded', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(normal(decodeCbor(encodeCbor(value)))).toEqual(normal(value));
      }),
    );
  });

  it('writes the bytes another encoder writes, and that encoder reads them strictly', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const encoded = encodeCbor(value);
        expect(toHex(encoded)).toBe(toHex(cborg.encode(value, cborg.rfc8949EncodeOptions)));
        expect(toHex(encodeCbor(cborg.decode(encoded, CBORG_STRICT) as CborValue))).toBe(toHex(encoded));
      }),
    );
  });

  it('accepts of mutated bytes only those that encode to themselves', () => {
    fc.assert(
      fc.property(anyValue, fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'insert'), (value, at, byte, how) => {
        const mutated = mutate(encodeCbor(value), at, byte, how);
        let decoded: CborValue;
        try {
          decoded = decodeCbor(mutated);
        } catch (error) {
          expect(error).toBeInstanceOf(CborError);
          return;
        }
        expect(toHex(encodeCbor(decoded))).toBe(toHex(mutated));
      }),
      { numRuns: 2000 },
    );
  });

  it('accepts of arbitrary bytes only those that encode to themselves', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        try {
          expect(toHex(encodeCbor(decodeCbor(bytes)))).toBe(toHex(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(CborError);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('gives copies of byte strings', () => {
    const encoded = encodeCbor(new Uint8Array([1, 2, 3]));
    const decoded = decodeCbor(encoded);
    encoded.fill(0);
    expect(decoded).toEqual(new Uint8Array([1, 2, 3]));
  });
});

describe('CBOR that is refused', () => {
  it.each([
    ['a longer head than needed, 1 byte', '1817', 'cbor-not-canonical'],
    ['a longer head than needed, 2 bytes', '1900ff', 'cbor-not-canonical'],
    ['a longer head than needed, 4 bytes', '1a0000ffff', 'cbor-not-canonical'],
    ['a longer head than needed, 8 bytes', '1b00000000ffffffff', 'cbor-not-canonical'],
    ['a longer negative head', '3800', 'cbor-not-canonical'],
    ['a longer length', '580161', 'cbor-not-canonical'],
    ['a longer array header', '980100', 'cbor-not-canonical'],
    ['a longer map header', 'b8010000', 'cbor-not-canonical'],
    ['indefinite bytes', '5f4161ff', 'cbor-unsupported'],
    ['indefinite text', '7f6161ff', 'cbor-unsupported'],
    ['indefinite array', '9f00ff', 'cbor-unsupported'],
    ['indefinite map', 'bf0000ff', 'cbor-unsupported'],
    ['reserved info', '1c', 'cbor-unsupported'],
    ['a half float', 'f93c00', 'cbor-unsupported'],
    ['a double', 'fb3ff0000000000000', 'cbor-unsupported'],
    ['false', 'f4', 'cbor-unsupported'],
    ['null', 'f6', 'cbor-unsupported'],
    ['undefined', 'f7', 'cbor-unsupported'],
    ['a break', 'ff', 'cbor-unsupported'],
    ['a tag', 'c100', 'cbor-unsupported'],
    ['a bignum tag', 'c249010000000000000000', 'cbor-unsupported'],
    ['unsorted integer keys', 'a201000000', 'cbor-not-canonical'],
    ['a repeated integer key', 'a200000001', 'cbor-not-canonical'],
    ['unsorted byte keys (shorter first)', 'a242000000410000', 'cbor-not-canonical'],
    ['unsorted byte keys (bytewise)', 'a2410100410000', 'cbor-not-canonical'],
    ['a repeated byte key', 'a2410100410100', 'cbor-not-canonical'],
    ['keys of both kinds', 'a20000410000', 'cbor-unexpected-type'],
    ['a text key', 'a1616100', 'cbor-unexpected-type'],
    ['a negative key', 'a12000', 'cbor-unexpected-type'],
    ['a key beyond 2^53', 'a11b002000000000000000', 'cbor-unexpected-type'],
    ['text that is no UTF-8', '61ff', 'cbor-not-canonical'],
    ['overlong UTF-8', '62c080', 'cbor-not-canonical'],
    ['long text that is no UTF-8', `781e${'61'.repeat(29)}ff`, 'cbor-not-canonical'],
    ['nothing', '', 'cbor-truncated'],
    ['half a head', '19ff', 'cbor-truncated'],
    ['a length beyond the input', '5a7fffffff00', 'cbor-truncated'],
    ['a length of 2^64 − 1', '5bffffffffffffffff', 'cbor-truncated'],
    ['an array count beyond the input', '9affffffff00', 'cbor-truncated'],
    ['a map count beyond the input', 'a30000010002', 'cbor-truncated'],
    ['bytes left over', '0000', 'cbor-trailing-bytes'],
  ])('%s', (_, hex, code) => {
    expect(() => decodeCbor(fromHex(hex))).toThrow(expect.objectContaining({ name: 'CborError', code }));
  });

  it('containers deeper than allowed, without exhausting the stack', () => {
    const nested = (depth: number): Uint8Array => fromHex(`${'81'.repeat(depth)}00`);
    expect(() => decodeCbor(nested(16))).not.toThrow();
    expect(() => decodeCbor(nested(17))).toThrow(expect.objectContaining({ code: 'cbor-too-deep' }));
    expect(() => decodeCbor(nested(1_000_000))).toThrow(expect.objectContaining({ code: 'cbor-too-deep' }));
    expect(() => decodeCbor(nested(2), { maxDepth: 1 })).toThrow(expect.objectContaining({ code: 'cbor-too-deep' }));
    expect(decodeCbor(fromHex('05'), { maxDepth: 0 })).toBe(5);
  });
});

describe('values without an encoding', () => {
  it.each<[string, unknown]>([
    ['a fraction', 1.5],
    ['an unsafe number', 2 ** 53],
    ['NaN', Number.NaN],
    ['an integer of 65 bits', 2n ** 64n],
    ['a negative of 65 bits', -(2n ** 64n) - 1n],
    ['a lone surrogate', '\uD800'],
    ['undefined', undefined],
    ['null', null],
    ['a boolean', true],
    ['an object', { a: 1 }],
    ['a negative key', new Map([[-1, 1]])],
    ['a text key', new Map([['a', 1]])],
    [
      'keys of both kinds',
      new Map<unknown, unknown>([
        [1, 1],
        [new Uint8Array(), 1],
      ]),
    ],
    [
      'a byte key twice',
      new Map([
        [new Uint8Array([1]), 1],
        [new Uint8Array([1]), 2],
      ]),
    ],
  ])('%s', (_, value) => {
    expect(() => encodeCbor(value as CborValue)).toThrow(CborError);
  });

  it('containers nested more than 16 deep', () => {
    let value: CborValue = 0;
    for (let depth = 0; depth < 17; depth++) value = [value];
    expect(() => encodeCbor(value)).toThrow(expect.objectContaining({ code: 'cbor-too-deep' }));
  });
});

function mutate(bytes: Uint8Array, at: number, byte: number, how: 'set' | 'cut' | 'insert'): Uint8Array {
  const index = at % bytes.length;
  if (how === 'set') return bytes.with(index, byte);
  if (how === 'cut') return bytes.slice(0, index);
  return new Uint8Array([...bytes.subarray(0, index), byte, ...bytes.subarray(index)]);
}
