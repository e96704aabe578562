import { type CborMap, type CborValue, decodeCbor, encodeCbor, fromHex, toHex, utf8Encode } from '@keephold/bytes';
import { asDeviceId, asStreamId, asVaultId, type BlobId } from '@keephold/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/format-v1.json' with { type: 'json' };
import { DamagedError } from './errors.ts';
import { decodeSnapshot, encodeSnapshot, type SnapshotPayload } from './snapshot.ts';

const vector = vectors.V.snapshot;
const payload = fromHex(vector.payload);
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const text = fc.string({ unit: 'grapheme', maxLength: 30 });

const snapshots: fc.Arbitrary<SnapshotPayload> = fc.record({
  vaultId: bytes(16).map(asVaultId),
  streamId: bytes(16).map(asStreamId),
  deviceId: bytes(16).map(asDeviceId),
  start: int64,
  end: int64,
  rootTree: bytes(32).map((id) => id as BlobId),
  hostname: text,
  paths: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }),
  stats: fc.uniqueArray(fc.nat(40), { maxLength: 8 }).map((keys) => new Map(keys.map((key) => [key, key * 1e9]))),
  prevCommitHash: bytes(32),
  kind: fc.constantFrom('complete' as const, 'checkpoint' as const),
  clientVersion: text,
  unreadable: fc.array(fc.record({ path: fc.uint8Array({ maxLength: 20 }), error: text }), { maxLength: 3 }),
  tags: fc.array(text, { maxLength: 3 }),
  sourceKind: fc.nat(5),
});

function changed(key: number, value: CborValue | undefined): Uint8Array {
  const fields = new Map(decodeCbor(payload) as CborMap);
  if (value === undefined) fields.delete(key);
  else fields.set(key, value);
  return encodeCbor(fields);
}

describe('snapshot codec', () => {
  it('reads and writes the vector', () => {
    const snapshot = decodeSnapshot(payload);
    expect(snapshot).toMatchObject({ hostname: 'laptop', clientVersion: '1.0.0', kind: 'complete', tags: [] });
    expect(snapshot.start).toBe(1_790_000_000_000_000_000n);
    expect(snapshot.paths).toEqual([utf8Encode('docs')]);
    expect(toHex(snapshot.rootTree)).toBe(vectors.V.treeBlobRoot.id);
    expect(toHex(encodeSnapshot(snapshot))).toBe(vector.payload);
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(snapshots, (snapshot) => {
        expect(decodeSnapshot(encodeSnapshot(snapshot))).toEqual(snapshot);
      }),
    );
  });

  it('needs each required field', () => {
    for (const key of [0, 1, 2, 3, 4, 5, 6, 10, 11]) {
      expect(() => decodeSnapshot(changed(key, undefined)), `key ${key}`).toThrow(DamagedError);
    }
  });

  it.each<[string, number, CborValue]>([
    ['another version', 0, 2],
    ['a short vault id', 1, new Uint8Array(15)],
    ['a long stream id', 2, new Uint8Array(17)],
    ['a text as device id', 3, 'device'],
    ['a time of more than 64 bits', 4, 2n ** 63n],
    ['a text as time', 5, 'now'],
    ['a short root', 6, new Uint8Array(31)],
    ['bytes as host', 7, new Uint8Array(3)],
    ['a path that is a text', 8, ['/home']],
    ['paths that are none', 8, 3],
    ['negative stats', 9, new Map([[0, -1]])],
    ['stats keyed by bytes', 9, new Map([[new Uint8Array(1), 1]])],
    ['a short commit hash', 10, new Uint8Array(20)],
    ['kind 3', 11, 3],
    ['kind 0', 11, 0],
    ['a number as version', 12, 1],
    ['an unreadable path without reason', 13, [[new Uint8Array(1)]]],
    ['a reason that is no text', 13, [[new Uint8Array(1), 5]]],
    ['a tag that is no text', 14, [1]],
    ['a negative source kind', 15, -1],
    ['a field nobody knows', 16, 0],
  ])('refuses %s', (_, key, value) => {
    expect(() => decodeSnapshot(changed(key, value))).toThrow(DamagedError);
  });

  it('refuses every cut and extension', () => {
    for (let length = 0; length < payload.length; length++) {
      expect(() => decodeSnapshot(payload.subarray(0, length))).toThrow(DamagedError);
    }
    expect(() => decodeSnapshot(new Uint8Array([...payload, 0]))).toThrow(DamagedError);
  });

  it('reads a flipped byte as another snapshot or refuses it, and never fails otherwise', () => {
    for (let at = 0; at < payload.length; at++) {
      for (const bit of [1, 0x20, 0x80]) {
        const flipped = payload.with(at, (payload[at] as number) ^ bit);
        try {
          expect(toHex(encodeSnapshot(decodeSnapshot(flipped)))).toBe(toHex(flipped));
        } catch (error) {
          expect(error).toBeInstanceOf(DamagedError);
        }
      }
    }
  });
});
