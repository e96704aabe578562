import { fromHex, isAllowedPageCount, type PackKind, toHex } from '@keephold/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/format-v1.json' with { type: 'json' };
import { MalformedRecordError } from './errors.ts';
import { asSessionId, asVaultId } from './id-from-bytes.ts';
import { encodePackHeader, PACK_HEADER_LENGTH, packLength, parsePackHeader } from './pack-header.ts';

const cases = [vectors.V.packOnePage, vectors.V.packTwoPages, vectors.V.packMeta];

describe('pack header', () => {
  it('reads and writes the vectors', () => {
    for (const vector of cases) {
      const header = parsePackHeader(fromHex(vector.header));
      expect(header.kind).toBe(vector.kind);
      expect(header.pageCount).toBe(vector.pageCount);
      expect(toHex(header.packSalt)).toBe(vector.packSalt);
      expect(toHex(header.sessionId)).toBe(vectors.V.session.sessionId);
      expect(toHex(encodePackHeader(header))).toBe(vector.header);
      expect(packLength(header.pageCount)).toBe(vector.fileLength);
    }
  });

  it('reads back what it writes', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    fc.assert(
      fc.property(
        fc.constantFrom<PackKind>(1, 2),
        fc.integer({ min: 0, max: 300 }),
        fc.tuple(bytes(16), bytes(16), bytes(32)),
        (kind, pageCount, [vault, session, packSalt]) => {
          const header = { kind, pageCount, packSalt, vaultId: asVaultId(vault), sessionId: asSessionId(session) };
          if (isAllowedPageCount(kind, pageCount)) expect(parsePackHeader(encodePackHeader(header))).toEqual(header);
          else expect(() => encodePackHeader(header)).toThrow(MalformedRecordError);
        },
      ),
    );
  });

  it('refuses a change of every byte that has one allowed value', () => {
    const header = fromHex(vectors.V.packTwoPages.header);
    const fixed = [0, 1, 2, 3, 4, 6, 7, ...Array.from({ length: 20 }, (_, i) => 44 + i)];
    for (const at of fixed) {
      const bad = header.slice();
      bad[at] = (bad[at] as number) ^ 1;
      expect(() => parsePackHeader(bad)).toThrow(MalformedRecordError);
    }
  });

  it('refuses unknown kinds, counts off the ladder and short input', () => {
    const header = fromHex(vectors.V.packMeta.header);
    const patched = (at: number, value: number): Uint8Array => {
      const copy = header.slice();
      copy[at] = value;
      return copy;
    };
    expect(() => parsePackHeader(patched(5, 0))).toThrow(MalformedRecordError);
    expect(() => parsePackHeader(patched(5, 3))).toThrow(MalformedRecordError);
    expect(() => parsePackHeader(patched(40, 0))).toThrow(MalformedRecordError);
    expect(() => parsePackHeader(patched(40, 9))).toThrow(MalformedRecordError);
    // 80 pages are a data size only.
    expect(() => parsePackHeader(patched(40, 80))).toThrow(MalformedRecordError);
    expect(() => parsePackHeader(header.subarray(0, PACK_HEADER_LENGTH - 1))).toThrow(MalformedRecordError);
  });
});
