import { MalformedRecordError, sortPackIds } from '@keephold/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeKeeperRecord, type KeeperRecord, parseKeeperRecord } from './keeper-record.ts';

const list = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 5 }).map(sortPackIds);
const record: fc.Arbitrary<KeeperRecord> = fc
  .record({
    seq: fc.integer({ min: 1, max: 2 ** 40 }),
    receivedAt: fc.integer({ min: 0, max: 2 ** 43 }),
    base: fc.nat(),
    added: list,
    removed: list,
    packs: list,
  })
  .map(({ base, ...rest }) => ({ ...rest, baseSeq: base % rest.seq }));

describe('keeper record', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(record, (value) => {
        const parsed = parseKeeperRecord(encodeKeeperRecord(value), value.seq);
        expect(parsed).toEqual(value);
      }),
    );
  });

  it('is refused with any bit changed, any length changed, and for another commit', () => {
    fc.assert(
      fc.property(record, fc.nat(), fc.integer({ min: 0, max: 7 }), (value, at, bit) => {
        const bytes = encodeKeeperRecord(value);
        const flipped = bytes.slice();
        flipped[at % bytes.length] = (flipped[at % bytes.length] as number) ^ (1 << bit);
        expect(() => parseKeeperRecord(flipped, value.seq)).toThrow(MalformedRecordError);
        expect(() => parseKeeperRecord(bytes.subarray(0, at % bytes.length), value.seq)).toThrow(MalformedRecordError);
        expect(() => parseKeeperRecord(new Uint8Array([...bytes, 0]), value.seq)).toThrow(MalformedRecordError);
        expect(() => parseKeeperRecord(bytes, value.seq + 1)).toThrow(MalformedRecordError);
      }),
    );
  });
});
