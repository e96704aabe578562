import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CborError, CborReader, type CborValue, CborWriter, encodeCbor, fromHex, toHex } from './index.ts';

const atom = fc.oneof(
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }),
  fc.maxSafeInteger(),
  fc.uint8Array({ maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
);

function write(writer: CborWriter, value: bigint | number | Uint8Array | string): void {
  if (value instanceof Uint8Array) writer.bytes(value);
  else if (typeof value === 'string') writer.text(value);
  else writer.int(value);
}

function read(reader: CborReader): CborValue {
  const type = reader.peekType();
  if (type === 'bytes') return reader.readBytes();
  return type === 'text' ? reader.readText() : reader.readInt();
}

describe('CborWriter and CborReader', () => {
  it('agree on every sequence of atoms, whatever the first capacity', () => {
    fc.assert(
      fc.property(fc.array(atom), fc.nat(50), (values, capacity) => {
        const writer = new CborWriter(capacity);
        writer.arrayHeader(values.length);
        for (const value of values) write(writer, value);
        const encoded = writer.finish();
        expect(toHex(encoded)).toBe(toHex(encodeCbor(values)));
        const reader = new CborReader(encoded);
        expect(reader.readArrayHeader()).toBe(values.length);
        for (const value of values) {
          const item = read(reader);
          if (typeof value === 'bigint' || typeof value === 'number')
            expect(BigInt(item as number)).toBe(BigInt(value));
          else expect(item).toEqual(value);
        }
        expect(reader.done).toBe(true);
        reader.end();
      }),
    );
  });

  it('starts anew after finish, and what finish gave stays as it was', () => {
    const writer = new CborWriter();
    writer.uint(1);
    const first = writer.finish();
    expect(writer.length).toBe(0);
    writer.uint(2);
    expect(first).toEqual(new Uint8Array([1]));
    writer.reset();
    writer.raw(first);
    expect(writer.length).toBe(1);
    expect(writer.finish()).toEqual(new Uint8Array([1]));
  });

  it('refuses to write what is no unsigned integer or count', () => {
    const writer = new CborWriter();
    for (const value of [-1, 0.5, 2 ** 53, Number.NaN]) {
      expect(() => writer.uint(value)).toThrow(CborError);
      expect(() => writer.arrayHeader(value)).toThrow(CborError);
      expect(() => writer.mapHeader(value)).toThrow(CborError);
    }
    expect(writer.length).toBe(0);
  });

  it('skips exactly one item and checks it', () => {
    const reader = new CborReader(encodeCbor([new Map<number, CborValue>([[1, [1n, 'a', new Uint8Array(3)]]]), 7]));
    reader.readArrayHeader();
    reader.skip();
    expect(reader.readUint()).toBe(7);
    for (const hex of ['a201000000', 'a2410100410100', '1817', 'f6', '61ff', '8180']) {
      expect(() => new CborReader(fromHex(hex)).skip(1)).toThrow(CborError);
    }
    expect(() => new CborReader(fromHex(`${'81'.repeat(100_000)}00`)).skip()).toThrow(CborError);
  });

  it('names the type it found instead', () => {
    const reader = new CborReader(fromHex('20'));
    expect(reader.peekType()).toBe('negative');
    expect(() => reader.readUint()).toThrow(/negative where uint should be \(offset 0\)/);
    expect(reader.readInt()).toBe(-1);
    expect(() => reader.peekType()).toThrow(expect.objectContaining({ code: 'cbor-truncated', offset: 1 }));
  });

  it('reads inside a larger buffer without leaving its view', () => {
    const outer = fromHex('ff4201ff02');
    const reader = new CborReader(outer.subarray(1, 3));
    expect(() => reader.readBytes()).toThrow(expect.objectContaining({ code: 'cbor-truncated' }));
    const whole = new CborReader(outer.subarray(1, 4)).readBytes();
    expect(whole).toEqual(fromHex('01ff'));
    expect(whole.buffer).toBe(outer.buffer);
  });
});
